//! A broker on an open database: Kafka's clients and this process see the same topics.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use levada::broker::{Faults, Server, api_of, code_of};
use levada::sync::Mutex;
use pyo3::prelude::*;

use crate::convert::settings;
use crate::database::Core;
use crate::enter::{Held, aside, enter, quick, seconds};

/// Name, where it is bound, and the host and port that clients are told.
type Listener = (String, String, String, u16);

#[pyclass(frozen, module = "levada._levada")]
#[derive(Debug)]
pub struct ServerCore {
    /// Locked by calls that end it, which may take long.
    inner: Held<Arc<Mutex<Server>>>,
    faults: Arc<Faults>,
    bootstrap: String,
    listeners: Vec<Listener>,
    /// Set when an end was begun.
    closed: AtomicBool,
}

#[pymethods]
impl ServerCore {
    #[new]
    fn new(py: Python<'_>, core: &Core, config: Vec<(String, String)>) -> PyResult<ServerCore> {
        let database = core.database()?;
        let server = enter(py, || Server::start(database, &settings(config)))?;
        let listeners = server.listening().map(|l| {
            let address = l.address.to_string();
            (l.name.clone(), address, l.host.clone(), l.port)
        });
        Ok(ServerCore {
            faults: server.faults().clone(),
            bootstrap: server.bootstrap(),
            listeners: listeners.collect(),
            closed: AtomicBool::new(false),
            inner: Held::new(Arc::new(Mutex::new(server))),
        })
    }

    #[getter]
    fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    #[getter]
    fn listeners(&self) -> Vec<Listener> {
        self.listeners.clone()
    }

    #[getter]
    fn closed(&self) -> PyResult<bool> {
        self.inner.get()?;
        Ok(self.closed.load(Ordering::Relaxed))
    }

    #[getter]
    fn connections(&self, py: Python<'_>) -> PyResult<usize> {
        let server = self.inner.get()?;
        if self.closed.load(Ordering::Relaxed) {
            return Ok(0);
        }
        enter(py, || Ok(server.lock().connection_count()))
    }

    fn stop(&self, py: Python<'_>, timeout: f64) -> PyResult<()> {
        let server = self.inner.get()?.clone();
        let time = seconds(Some(timeout))?.unwrap_or(Duration::MAX);
        self.closed.store(true, Ordering::Relaxed);
        aside(py, move |_| {
            server.lock().stop(time);
            Ok(())
        })
    }

    fn kill(&self, py: Python<'_>) -> PyResult<()> {
        let server = self.inner.get()?.clone();
        self.closed.store(true, Ordering::Relaxed);
        aside(py, move |_| {
            server.lock().kill();
            Ok(())
        })
    }

    fn pause(&self) -> PyResult<()> {
        self.faults()?.pause();
        Ok(())
    }

    fn resume(&self) -> PyResult<()> {
        self.faults()?.resume();
        Ok(())
    }

    #[pyo3(signature = (api, error, count))]
    fn fail_next(&self, api: &str, error: &str, count: Option<u32>) -> PyResult<()> {
        let faults = self.faults()?;
        quick(|| faults.fail_next(api_of(api)?, code_of(error)?, count))
    }

    fn delay(&self, api: &str, by: f64) -> PyResult<()> {
        let by = seconds(Some(by))?.unwrap_or(Duration::MAX);
        let faults = self.faults()?;
        quick(|| {
            faults.delay(api_of(api)?, by);
            Ok(())
        })
    }

    fn clear_faults(&self) -> PyResult<()> {
        self.faults()?.clear();
        Ok(())
    }
}

impl ServerCore {
    fn faults(&self) -> PyResult<&Faults> {
        self.inner.get()?;
        Ok(&self.faults)
    }
}
