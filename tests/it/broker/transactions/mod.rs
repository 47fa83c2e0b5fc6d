//! Idempotent and transactional producers, request by request.

mod ending;
mod looking;
mod producer;
mod producing;
