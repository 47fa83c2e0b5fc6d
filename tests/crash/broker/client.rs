//! A connection that comes again when it breaks.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use levada::protocol::{
    ApiKey, Message, MessageWriter, Reader, RequestHeader, read_response_header, write_request,
};

use super::server::Place;

/// No broker takes longer, not even while it is killed and started.
pub const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub struct Client {
    place: Arc<Place>,
    stream: Option<TcpStream>,
    correlation_id: i32,
    pub random: u64,
}

/// An answer's bytes; the message borrows from them.
#[derive(Debug)]
pub struct Answer {
    bytes: Vec<u8>,
    api: ApiKey,
    version: i16,
}

impl Answer {
    pub fn read<'a, M: Message<'a>>(&'a self) -> M {
        let mut r = Reader::new(&self.bytes);
        read_response_header(&mut r, self.api, self.version).expect("a header");
        M::decode(&mut r, self.version).expect("an answer that can be read")
    }
}

impl Client {
    pub fn new(place: &Arc<Place>, seed: u64) -> Client {
        Client {
            place: place.clone(),
            stream: None,
            correlation_id: 0,
            random: seed,
        }
    }

    pub fn is_over(&self) -> bool {
        self.place.is_over()
    }

    /// Whether what is there now is all that comes.
    pub fn is_written(&self) -> bool {
        self.place.is_written()
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.random = self
            .random
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.random >> 33) % limit
    }

    /// Sends requests without waiting in between, then takes the answers there are: fewer than requests
    /// when the connection broke.
    pub fn pipeline<'a, M: Message<'a>>(&mut self, version: i16, requests: &[M]) -> Vec<Answer> {
        let api = M::KEY.expect("a request");
        let mut answers = Vec::new();
        if let Err(error) = self.exchange(api, version, requests, &mut answers) {
            assert!(
                !matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                ),
                "no answer to {api} within {PATIENCE:?}"
            );
            self.stream = None;
            std::thread::sleep(Duration::from_millis(2));
        }
        answers
    }

    /// `None` when the connection broke: the request may have been served or not.
    pub fn once<'a, M: Message<'a>>(&mut self, version: i16, request: M) -> Option<Answer> {
        self.pipeline(version, &[request]).pop()
    }

    /// Sends a request again and again until it is answered with a code that is final.
    pub fn until_final<'a, M: Message<'a> + Clone>(
        &mut self,
        version: i16,
        request: &M,
        code: impl Fn(&Answer) -> i16,
    ) -> Answer {
        let started = Instant::now();
        loop {
            if let Some(answer) = self.once(version, request.clone())
                && !is_passing(code(&answer))
            {
                return answer;
            }
            self.place.check();
            let api = M::KEY.expect("a request");
            assert!(started.elapsed() < PATIENCE, "{api} came to no end");
        }
    }

    fn exchange<'a, M: Message<'a>>(
        &mut self,
        api: ApiKey,
        version: i16,
        requests: &[M],
        answers: &mut Vec<Answer>,
    ) -> io::Result<()> {
        let first = self.correlation_id;
        let mut w = MessageWriter::new();
        for request in requests {
            let header = RequestHeader {
                api,
                version,
                correlation_id: self.correlation_id,
                client_id: Some("crash"),
            };
            self.correlation_id += 1;
            write_request(&mut w, &header, request).expect("a request that can be written");
        }
        let bytes = w.into_chunks().concat();
        let stream = self.connected()?;
        stream.write_all(&bytes)?;
        for nth in 0..requests.len() {
            let mut length = [0; 4];
            stream.read_exact(&mut length)?;
            let mut bytes = vec![0; u32::from_be_bytes(length) as usize];
            stream.read_exact(&mut bytes)?;
            let id = i32::from_be_bytes(*bytes.first_chunk().expect("a correlation id"));
            assert_eq!(id, first + nth as i32, "answers come in order");
            answers.push(Answer {
                bytes,
                api,
                version,
            });
        }
        Ok(())
    }

    fn connected(&mut self) -> io::Result<&mut TcpStream> {
        match &mut self.stream {
            Some(stream) => Ok(stream),
            empty => {
                let stream = TcpStream::connect(self.place.address())?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                Ok(empty.insert(stream))
            }
        }
    }
}

/// What a client asks again after: the coordinator or the log is not ready yet.
fn is_passing(code: i16) -> bool {
    matches!(code, 5 | 6 | 7 | 14 | 15 | 16 | 19 | 51)
}
