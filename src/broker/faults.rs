//! Faults that tests ask for: an error instead of an answer, late answers, a broker that holds still.
//!
//! Without any of them a request costs one relaxed load.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use super::answer::Answer;
use super::context::Context;
use super::refuse;
use crate::error::{Code, Error, Result};
use crate::protocol::ApiKey;
use crate::sync::Mutex;

/// The faults of one server; see [`Server::faults`](super::Server::faults). A server that is started
/// again has none.
#[derive(Debug, Default)]
pub struct Faults {
    /// Whether the rest says anything. Written under the lock of `asked`.
    any: AtomicBool,
    asked: Mutex<Asked>,
    /// Connections wait here while the broker holds still.
    paused: watch::Sender<bool>,
    /// Answers wait here until theirs is over or taken back.
    delays: watch::Sender<Vec<(ApiKey, Duration)>>,
}

#[derive(Debug, Default)]
struct Asked {
    failures: Vec<Failure>,
}

#[derive(Debug)]
struct Failure {
    api: ApiKey,
    code: Code,
    /// How often yet; `None`: until it is taken back.
    count: Option<u32>,
}

/// What one request meets.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fault {
    pub code: Option<Code>,
    delay: Option<Duration>,
}

impl Faults {
    /// Connections are accepted, requests are held, nothing is answered: a broker that hangs.
    pub fn pause(&self) {
        self.change(|_| self.paused.send_replace(true));
    }

    /// What was held goes on in its order.
    pub fn resume(&self) {
        self.change(|_| self.paused.send_replace(false));
    }

    /// Answers the next `count` requests of `api` (`None`: all, until [`clear`](Faults::clear)) with
    /// `code`, without doing what they ask. Those asked for first come first.
    ///
    /// Errors: Invalid (an API of which it is not known how it tells an error).
    pub fn fail_next(&self, api: ApiKey, code: Code, count: Option<u32>) -> Result<()> {
        if !refuse::can(api) {
            let known: Vec<&str> = refuse::APIS.iter().map(|api| api.name()).collect();
            return Err(Error::invalid(format!(
                "{api} cannot be made to fail: there are {}",
                known.join(", ")
            )));
        }
        if count != Some(0) {
            self.change(|asked| asked.failures.push(Failure { api, code, count }));
        }
        Ok(())
    }

    /// Answers to `api` leave so much later than they could; zero ends it, also for those that wait.
    /// The request is handled when it comes.
    pub fn delay(&self, api: ApiKey, by: Duration) {
        self.change(|_| {
            self.delays.send_modify(|delays| {
                delays.retain(|(of, _)| *of != api);
                if !by.is_zero() {
                    delays.push((api, by));
                }
            });
        });
    }

    /// Takes everything back.
    pub fn clear(&self) {
        self.change(|asked| {
            *asked = Asked::default();
            self.delays.send_replace(Vec::new());
            self.paused.send_replace(false);
        });
    }

    fn change<T>(&self, change: impl FnOnce(&mut Asked) -> T) {
        let mut asked = self.asked.lock();
        change(&mut asked);
        self.settle(&asked);
    }

    fn settle(&self, asked: &Asked) {
        let none =
            asked.failures.is_empty() && self.delays.borrow().is_empty() && !*self.paused.borrow();
        self.any.store(!none, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn is_paused(&self) -> bool {
        self.any.load(Ordering::Relaxed) && *self.paused.borrow()
    }

    /// Ends when the broker does not hold still.
    pub(super) async fn resumed(&self) {
        // The sender is here: it cannot be gone.
        let _ = self.paused.subscribe().wait_for(|paused| !*paused).await;
    }

    /// Ends when answers to `api` need not wait.
    async fn not_delayed(&self, api: ApiKey) {
        let mut delays = self.delays.subscribe();
        let none = |delays: &Vec<(ApiKey, Duration)>| delays.iter().all(|(of, _)| *of != api);
        let _ = delays.wait_for(none).await;
    }

    /// What a request of `api` meets; it counts as one.
    #[inline]
    pub(super) fn meet(&self, api: ApiKey) -> Fault {
        if !self.any.load(Ordering::Relaxed) {
            return Fault::default();
        }
        let mut asked = self.asked.lock();
        let code = asked.next_failure(api);
        let delays = self.delays.borrow();
        let delay = delays.iter().find(|(of, _)| *of == api);
        let delay = delay.map(|(_, by)| *by);
        drop(delays);
        self.settle(&asked);
        Fault { code, delay }
    }
}

impl Asked {
    fn next_failure(&mut self, api: ApiKey) -> Option<Code> {
        let at = self.failures.iter().position(|f| f.api == api)?;
        let failure = self.failures.get_mut(at)?;
        let code = failure.code;
        failure.count = failure.count.map(|left| left.saturating_sub(1));
        if failure.count == Some(0) {
            self.failures.remove(at);
        }
        Some(code)
    }
}

impl Fault {
    /// The answer to a request of `api`, as late as it shall be; at once when the server stops.
    pub fn late(self, context: &Arc<Context>, api: ApiKey, answer: Answer) -> Answer {
        let Some(delay) = self.delay else {
            return answer;
        };
        let sleep = tokio::time::sleep(delay);
        let context = context.clone();
        let pass = async move {
            tokio::select! {
                () = sleep => {}
                () = context.faults.not_delayed(api) => {}
                () = context.stopped() => {}
            }
        };
        match answer {
            Answer::First(first) => {
                Answer::First(Box::pin(
                    async move { Ok(held(first.await?, Box::pin(pass))) },
                ))
            }
            answer => held(answer, Box::pin(pass)),
        }
    }
}

/// The answer, not before `pass` has ended. The request has taken effect.
fn held(answer: Answer, pass: Pin<Box<dyn Future<Output = ()> + Send>>) -> Answer {
    match answer {
        Answer::Ready(answer) => Answer::Later(Box::pin(async move {
            pass.await;
            Ok(answer)
        })),
        Answer::Later(later) => Answer::Later(Box::pin(async move {
            pass.await;
            later.await
        })),
        answer => answer,
    }
}

/// A code by Kafka's name (`NOT_LEADER_OR_FOLLOWER`, also `NotLeaderOrFollower`) or its number.
///
/// Errors: Invalid (there is no such code).
pub fn code_of(name: &str) -> Result<Code> {
    let plain = |text: &str| text.replace('_', "").to_ascii_lowercase();
    let wanted = plain(name);
    let by_number = name.parse().ok().and_then(Code::from_number);
    let by_name = || {
        let mut all = Code::ALL.iter().copied();
        all.find(|code| plain(&format!("{code:?}")) == wanted)
    };
    by_number.or_else(by_name).ok_or_else(|| {
        Error::invalid(format!(
            "no error {name:?}: write Kafka's name, such as NOT_LEADER_OR_FOLLOWER, or its number"
        ))
    })
}

/// An API by Kafka's name (`Produce`) or its key.
///
/// Errors: Invalid (there is no such API).
pub fn api_of(name: &str) -> Result<ApiKey> {
    let by_number = name.parse().ok().and_then(ApiKey::from_number);
    let by_name = || {
        let mut all = ApiKey::ALL.iter().copied();
        all.find(|api| api.name().eq_ignore_ascii_case(name))
    };
    by_number.or_else(by_name).ok_or_else(|| {
        Error::invalid(format!(
            "no API {name:?}: write Kafka's name, such as Produce, or its key"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_come_in_their_order_and_end() {
        let faults = Faults::default();
        assert_eq!(faults.meet(ApiKey::Produce).code, None);
        let (first, second) = (Code::NotLeaderOrFollower, Code::RequestTimedOut);
        faults.fail_next(ApiKey::Produce, first, Some(2)).unwrap();
        faults.fail_next(ApiKey::Produce, second, Some(1)).unwrap();
        faults.fail_next(ApiKey::Fetch, second, Some(0)).unwrap();
        let met: Vec<_> = (0..4).map(|_| faults.meet(ApiKey::Produce).code).collect();
        assert_eq!(met, [Some(first), Some(first), Some(second), None]);
        assert_eq!(faults.meet(ApiKey::Fetch).code, None);
        assert!(!faults.any.load(Ordering::Relaxed), "the hot path is free");
    }

    #[test]
    fn what_cannot_be_refused_is_said() {
        let refused =
            Faults::default().fail_next(ApiKey::ApiVersions, Code::NetworkException, None);
        let error = refused.expect_err("ApiVersions has no refusal");
        assert!(error.message().contains("Produce, Fetch"), "{error}");
    }

    #[test]
    fn errors_and_apis_have_names_and_numbers() {
        for name in ["NOT_LEADER_OR_FOLLOWER", "NotLeaderOrFollower", "6"] {
            assert_eq!(code_of(name).unwrap(), Code::NotLeaderOrFollower);
        }
        assert_eq!(code_of("-1").unwrap(), Code::UnknownServerError);
        assert!(code_of("0").is_err() && code_of("WRONG").is_err());
        assert_eq!(api_of("ListOffsets").unwrap(), ApiKey::ListOffsets);
        assert_eq!(api_of("0").unwrap(), ApiKey::Produce);
        assert!(api_of("Produc").is_err());
    }
}
