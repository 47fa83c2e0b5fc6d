//! One connection: its requests are begun in their order and answered in their order.
//!
//! A request is begun when the one before it is answered; only Produce requests that wait for the disk
//! overlap, so that one sync serves many: those whose records are appended, so that none overtakes
//! another. While answers cannot be written nothing is begun, and while
//! the buffer is full nothing is read: the socket pushes back.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::Shutdown;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::answer::{Answer, First, Later};
use super::budget::Share;
use super::context::Context;
use super::control::{Control, Order};
use super::frames::{Frames, Front, SMALL_BYTES};
use super::handlers::{self, Begun};
use super::listener::Peer;
use super::outgoing::Outgoing;
use crate::error::Result;
use crate::protocol::{ApiKey, MessageWriter};

/// After this long without a request a connection keeps no buffer.
const REST_AFTER: Duration = Duration::from_secs(5);
/// A client that has read nothing for that long may be closed when memory is short.
const STALLED_AFTER: Duration = Duration::from_secs(5);
/// A buffer above this is given back after each request.
const KEPT_BYTES_MAX: usize = 4 << 20;
/// Nothing is begun while more than this waits to be written.
const OUTGOING_BYTES_MAX: usize = 256 << 10;

/// A request that was begun.
struct Pending {
    api: ApiKey,
    since: Duration,
    request_bytes: usize,
    answer: Awaited,
}

enum Awaited {
    Ready(Option<MessageWriter>),
    Later(Later),
    /// Stands last: nothing is begun behind it.
    First(First),
}

impl From<Answer> for Awaited {
    fn from(answer: Answer) -> Awaited {
        match answer {
            Answer::Ready(answer) => Awaited::Ready(Some(answer)),
            Answer::Later(later) => Awaited::Later(later),
            Answer::First(first) => Awaited::First(first),
            Answer::Nothing | Answer::Blocking => Awaited::Ready(None),
        }
    }
}

pub(super) struct Connection {
    stream: TcpStream,
    context: Arc<Context>,
    peer: Arc<Peer>,
    control: Arc<Control>,
    frames: Frames,
    /// Of the memory for requests that are arriving.
    share: Share,
    /// How much of it is held.
    held: usize,
    begun: VecDeque<Pending>,
    outgoing: Outgoing,
    /// How much of `outgoing` the server knows of.
    told: usize,
    /// When bytes went in or out last.
    active: Instant,
    /// The client has closed its side.
    ended: bool,
}

/// Why a connection goes on.
enum Step {
    Again,
    Close,
}

impl Connection {
    pub fn new(
        stream: TcpStream,
        context: Arc<Context>,
        peer: Arc<Peer>,
        control: Arc<Control>,
    ) -> Connection {
        Connection {
            frames: Frames::new(context.config.request_bytes_max),
            share: context.budget.share(control.clone()),
            held: 0,
            begun: VecDeque::new(),
            outgoing: Outgoing::default(),
            told: 0,
            active: Instant::now(),
            ended: false,
            stream,
            context,
            peer,
            control,
        }
    }

    /// Until the client goes, breaks the protocol, is silent for too long, or the server stops.
    pub async fn run(mut self) {
        if let Err(error) = self.serve().await {
            self.context.metrics.connection_failed();
            tracing::debug!(peer = %self.peer.address, %error, "connection closed");
        }
        match self.control.order() {
            // The socket may be gone already.
            Order::Reset => _ = self.stream.set_zero_linger(),
            // A child of this process may have a copy: dropping ours alone tells the client nothing.
            _ => _ = rustix::net::shutdown(&self.stream, Shutdown::Both),
        }
        self.context.budget.release(&self.share, 0);
        self.context.unread.change(self.told, 0);
    }

    async fn serve(&mut self) -> Result<()> {
        let tick = tokio::time::sleep(REST_AFTER);
        tokio::pin!(tick);
        loop {
            self.hold_still().await;
            self.collect();
            self.begin_all()?;
            if self.control.order() == Order::Reset || !self.write()? {
                return Ok(());
            }
            self.tell_outgoing();
            tokio::task::coop::consume_budget().await;
            if self.can_begin()? {
                // What was written made room for it: nothing else would wake this task.
                continue;
            }
            let done = self.begun.is_empty() && self.outgoing.is_empty();
            match self.control.order() {
                Order::Close | Order::Reset => return Ok(()),
                Order::Finish if done => return Ok(()),
                _ if self.ended && done => return Ok(()),
                _ => {}
            }
            match self.next(tick.as_mut()).await? {
                Step::Again => {}
                Step::Close => return Ok(()),
            }
        }
    }

    /// While a test wants a broker that hangs.
    async fn hold_still(&mut self) {
        while self.context.faults.is_paused() && self.control.order() == Order::Serve {
            tokio::select! {
                () = self.context.faults.resumed() => {}
                () = self.control.changed() => {}
            }
        }
    }

    /// Begins the requests that are there and may be begun.
    fn begin_all(&mut self) -> Result<()> {
        while let Some(size) = self.next_size()? {
            let frame = self.frames.whole(size);
            let since = self.context.engine().clock().monotonic();
            let Begun { api, answer } = handlers::begin(&self.context, &self.peer, frame)?;
            self.begun.push_back(Pending {
                api,
                since,
                request_bytes: size,
                answer: answer.into(),
            });
            self.frames.pass(size);
            self.collect();
        }
        self.settle();
        Ok(())
    }

    /// The size of the request at the front, if it is there as a whole and may be begun.
    fn next_size(&self) -> Result<Option<usize>> {
        if self.outgoing.bytes() > OUTGOING_BYTES_MAX || self.control.order() != Order::Serve {
            return Ok(None);
        }
        let Front::Whole(size) = self.frames.front()? else {
            return Ok(None);
        };
        Ok(self.may_begin(self.frames.whole(size)).then_some(size))
    }

    fn can_begin(&self) -> Result<bool> {
        let ready = matches!(
            self.begun.front().map(|p| &p.answer),
            Some(Awaited::Ready(_))
        );
        Ok(ready || self.next_size()?.is_some())
    }

    /// Produce beside Produce that has taken effect; everything else alone.
    fn may_begin(&self, frame: &[u8]) -> bool {
        let produce = |api: ApiKey| api == ApiKey::Produce;
        let last = self.begun.back().map(|p| &p.answer);
        match self.begun.len() {
            0 => true,
            n if n >= self.context.config.inflight_max => false,
            _ if matches!(last, Some(Awaited::First(_))) => false,
            _ => {
                handlers::peek(frame).is_some_and(produce)
                    && self.begun.iter().all(|p| produce(p.api))
            }
        }
    }

    /// Gives back memory that the requests handled so far needed.
    fn settle(&mut self) {
        if self.held == 0 || !self.frames.is_empty() {
            return;
        }
        let budget = &self.context.budget;
        if self.frames.capacity() > KEPT_BYTES_MAX || budget.is_tight() {
            self.give_back();
        } else {
            budget.settled(&self.share);
        }
    }

    /// Lets go of the buffer while nothing is in it, and of what was held for it.
    fn give_back(&mut self) {
        self.frames.shrink();
        if std::mem::take(&mut self.held) > 0 {
            self.context.budget.release(&self.share, 0);
        }
    }

    /// Moves answers that are there, in order, to what is to be written.
    fn collect(&mut self) {
        while let Some(Pending {
            answer: Awaited::Ready(answer),
            ..
        }) = self.begun.front_mut()
        {
            let answer = answer.take();
            if let Some(done) = self.begun.pop_front() {
                let metrics = &self.context.metrics;
                let bytes = answer.map_or(0, |answer| {
                    metrics.answered_errors(done.api, answer.errors());
                    self.outgoing.push(answer)
                });
                let took = self
                    .context
                    .engine()
                    .clock()
                    .monotonic()
                    .saturating_sub(done.since);
                metrics.answered(done.api, took, done.request_bytes, bytes);
            }
        }
    }

    /// Tells the server how much waits to be read by this client. Little is not worth telling.
    fn tell_outgoing(&mut self) {
        let now = match self.outgoing.bytes() {
            ..OUTGOING_BYTES_MAX => 0,
            bytes => bytes,
        };
        if now != self.told {
            self.context.unread.change(self.told, now);
            self.told = now;
        }
    }

    /// Writes what the socket takes. False when the client is gone.
    fn write(&mut self) -> Result<bool> {
        if self.outgoing.is_empty() {
            return Ok(true);
        }
        let before = self.outgoing.bytes();
        let outcome = self.outgoing.write(&self.stream);
        if self.outgoing.bytes() < before {
            self.active = Instant::now();
        }
        match outcome {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(true),
            Err(_) => Ok(false),
        }
    }

    /// Waits until something can be done, and does the first of it.
    async fn next(&mut self, mut tick: std::pin::Pin<&mut Sleep>) -> Result<Step> {
        let reads = !self.ended
            && !self.frames.is_full()
            && self.outgoing.is_empty()
            && self.control.order() == Order::Serve;
        if reads && self.receive().await? {
            return Ok(Step::Again);
        }
        let writes = !self.outgoing.is_empty();
        let (later, first) = awaited(&mut self.begun);
        tokio::select! {
            biased;
            answer = or_never(later) => {
                let answer = answer?;
                if let Some(front) = self.begun.front_mut() {
                    front.answer = Awaited::Ready(Some(answer));
                }
            }
            answer = or_never(first) => {
                let answer = answer?;
                if let Some(back) = self.begun.back_mut() {
                    back.answer = answer.into();
                }
            }
            ready = self.stream.writable(), if writes => {
                if ready.is_err() { return Ok(Step::Close); }
            }
            ready = self.stream.readable(), if reads && !self.ended => {
                if ready.is_err() { return Ok(Step::Close); }
            }
            () = self.control.changed() => {}
            () = tick.as_mut() => return Ok(self.tick(tick)),
        }
        if tick.deadline() > self.active + REST_AFTER + REST_AFTER {
            // It slept long; there is something to look after again.
            tick.reset(Instant::now() + REST_AFTER);
        }
        Ok(Step::Again)
    }

    /// Reads what is there; false when nothing is.
    async fn receive(&mut self) -> Result<bool> {
        let wanted = self.frames.capacity_wanted();
        if wanted > SMALL_BYTES && wanted > self.held {
            let context = self.context.clone();
            let held = tokio::select! {
                held = context.budget.hold(&self.share, wanted as u64) => held,
                () = self.control.changed() => return Ok(true),
            };
            if !held {
                return Err(crate::Error::unavailable(
                    "no memory for a large request: queued.max.request.bytes is used up",
                ));
            }
            self.held = wanted;
        }
        self.frames.make_room(wanted);
        match self.frames.fill(&self.stream) {
            Ok(0) => {
                self.ended = true;
                Ok(true)
            }
            Ok(_) => {
                self.active = Instant::now();
                if self.held > 0 {
                    self.context.budget.moved(&self.share);
                }
                Ok(true)
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(e) => Err(crate::Error::io("read from the connection", e)),
        }
    }

    /// Nothing came for a while, or the tick was due anyway.
    fn tick(&mut self, tick: std::pin::Pin<&mut Sleep>) -> Step {
        let silent = self.active.elapsed();
        let idle_max = self.context.config.idle_max_ms.map(Duration::from_millis);
        let waits = !self.begun.is_empty();
        if self.told > 0 && silent >= STALLED_AFTER && self.context.unread.is_too_much() {
            tracing::debug!(peer = %self.peer.address, "a client does not read its answers");
            return Step::Close;
        }
        if idle_max.is_some_and(|max| silent >= max) && !waits {
            return Step::Close;
        }
        let resting = silent >= REST_AFTER && self.frames.is_empty();
        if resting {
            self.give_back();
        }
        let due = match (resting && self.told == 0, idle_max) {
            (true, Some(max)) => self.active + max.max(REST_AFTER),
            (true, None) => Instant::now() + Duration::from_secs(86_400),
            (false, _) => Instant::now() + REST_AFTER,
        };
        tick.reset(due.max(Instant::now() + Duration::from_millis(100)));
        Step::Again
    }
}

/// What is to be polled: the answer that is due next, and what keeps more from being begun.
fn awaited(begun: &mut VecDeque<Pending>) -> (Option<&mut Later>, Option<&mut First>) {
    let mut begun = begun.iter_mut().map(|p| &mut p.answer);
    let (head, last) = (begun.next(), begun.next_back());
    match (head, last) {
        (Some(Awaited::Later(later)), Some(Awaited::First(first))) => (Some(later), Some(first)),
        (Some(Awaited::Later(later)), _) => (Some(later), None),
        (Some(Awaited::First(first)), _) => (None, Some(first)),
        _ => (None, None),
    }
}

async fn or_never<F: Future + Unpin>(future: Option<&mut F>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}
