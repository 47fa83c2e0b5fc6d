//! A broker in the process, on an open database.

use std::ffi::{CString, c_char};

use crate::arg::{Made, Texts};
use crate::database::levada_database;
use crate::enter::{call, guard};
use crate::error::levada_error;
use crate::handle::{self, Handle, View, kinds};
use crate::status::levada_status;

/// A broker: every Kafka client sees the topics of the database, while this process uses them without a
/// socket. Stop it with levada_server_stop(), free it with levada_server_free(). Any thread may use it.
pub struct levada_server {
    bootstrap: CString,
    running: made::Running,
}

kinds! { levada_server "server" 10; }

#[cfg(feature = "broker")]
mod made {
    use std::time::Duration;

    use levada::Result;
    use levada::broker::Server;
    use levada::config::Overrides;
    use levada::embedded::Database;
    use levada::sync::Mutex;

    /// Locked by calls that end it, which may take long.
    pub struct Running(Mutex<Server>);

    impl Running {
        pub fn start(database: &Database, settings: &Overrides) -> Result<(Running, String)> {
            let server = Server::start(database, settings)?;
            let bootstrap = server.bootstrap();
            Ok((Running(Mutex::new(server)), bootstrap))
        }

        /// 0 while it ends.
        pub fn connections(&self) -> usize {
            self.0
                .try_lock()
                .map_or(0, |server| server.connection_count())
        }

        pub fn stop(&self, time: Duration) {
            self.0.lock().stop(time);
        }
    }
}

#[cfg(not(feature = "broker"))]
mod made {
    use std::time::Duration;

    use levada::Result;
    use levada::config::Overrides;
    use levada::embedded::Database;

    use crate::library::left_out;

    /// Never made.
    pub enum Running {}

    impl Running {
        pub fn start(_: &Database, _: &Overrides) -> Result<(Running, String)> {
            Err(left_out("broker"))
        }

        pub fn connections(&self) -> usize {
            match *self {}
        }

        pub fn stop(&self, _: Duration) {
            match *self {}
        }
    }
}

/// Serves `database` to Kafka clients. When this returns the ports are open.
///
/// `options` are keys and values in turns, closed by NULL, or NULL: broker settings under Kafka's names, before
/// those of the database. `"listeners"` says where: `"127.0.0.1:0"` takes any free port, the default is
/// `127.0.0.1:9092`.
///
/// The server belongs to the caller: free it with levada_server_free(). LEVADA_INVALID: a bad setting.
/// LEVADA_UNAVAILABLE, LEVADA_DENIED: an address that cannot be listened on. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_server_start(
    database: Handle<levada_database>,
    options: Texts,
    out_server: Made<levada_server>,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        let database = database.get()?;
        let out = out_server.get("out_server")?;
        let settings = options.settings("options")?;
        let (running, bootstrap) = made::Running::start(database.inner(), &settings)?;
        let bootstrap = crate::arg::c_string(&bootstrap);
        out.set(handle::make(levada_server { bootstrap, running }));
        Ok(())
    })
}

/// `host:port` of the first listener, as clients take it for `bootstrap.servers`.
///
/// Borrowed: valid until `server` is freed. NULL when `server` is NULL or freed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_server_bootstrap(server: View<levada_server>) -> *const c_char {
    let found = server.get();
    found.map_or(std::ptr::null(), |s| s.bootstrap.as_ptr())
}

/// How many connections are open; 0 once the server ends.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_server_connections(server: View<levada_server>) -> usize {
    server.get().map_or(0, |s| s.running.connections())
}

/// Takes no more connections and requests, answers what was begun for at most `timeout_ms` (negative: as
/// long as it takes), and closes the ports. A second stop does nothing. The database stays open.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_server_stop(
    server: Handle<levada_server>,
    timeout_ms: i64,
    out_error: Made<levada_error>,
) -> levada_status {
    call(out_error, || {
        server.get()?.running.stop(crate::arg::timeout(timeout_ms));
        Ok(())
    })
}

/// Stops the server, for up to 5 seconds, if it was not stopped before, and frees it. NULL and a second time
/// do nothing.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_server_free(server: Handle<levada_server>) {
    // A panic while stopping is logged by the hook.
    let _ = guard(|| {
        drop(server.free());
        Ok(())
    });
}
