//! The drivers: a status machine over a backend, and the native handles that the Python classes wrap.
//!
//! # Invariants
//! * Native ownership runs driver → backend → sender; nothing here points back at Python, so that a driver
//!   nobody can reach is collected.
//! * What both drivers share is in `lifecycle` (plain Rust) and `handle` (its Python face); `scheduler` and
//!   `executor` add only what each of them alone can say, `reconciliation` what they would have to say again and again.

mod arguments;
mod checks;
pub(crate) mod executor;
pub(crate) mod handle;
pub(crate) mod identity;
pub(crate) mod lifecycle;
mod offers;
mod reconciler;
pub(crate) mod reconciliation;
pub(crate) mod scheduler;
pub(crate) mod scripted;
mod update;
