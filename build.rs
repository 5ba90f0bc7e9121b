//! Compiles `proto/` without protoc: descriptors by protox, Rust structs by prost-build, tables for `src/wire`.

use std::path::Path;

const PROTO: &str = "proto";
const ROOTS: &[&str] = &[
    "mesos/v1/scheduler/scheduler.proto",
    "mesos/v1/executor/executor.proto",
    "mesos/v1/master/master.proto",
    "mesos/v1/agent/agent.proto",
    "mesos/v1/allocator/allocator.proto",
    "mesos/v1/maintenance/maintenance.proto",
    "mesos/v1/quota/quota.proto",
    "mesos/v1/resource_provider/resource_provider.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed={PROTO}");
    let files = protox::compile(ROOTS.iter().map(|root| Path::new(PROTO).join(root)), [PROTO])?;
    prost_build::Config::new().bytes(["."]).compile_fds(files)?;
    Ok(())
}
