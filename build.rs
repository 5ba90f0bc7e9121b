//! Compiles `proto/` without protoc, once for each of the two readers of the schema:
//! * `src/wire` and `src/message` get all of it as static tables (`OUT_DIR/tables.rs`, written by build/tables.rs);
//! * `src/proto.rs` gets prost structs of what drivers and the embedded cluster speak (`OUT_DIR/structs.rs`, by
//!   prost-build), pruned by build/prune.rs to what is used: every struct makes every rebuild of the crate longer.
//!
//! Then compiles `cpp/`, and the C++ side of the bridge in src/backend/libmesos.rs.

#[path = "build/prune.rs"]
mod prune;
#[path = "build/tables.rs"]
mod tables;

use prost::Message as _;
use prost_types::{FileDescriptorProto, FileDescriptorSet};
use std::path::{Path, PathBuf};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const PROTO: &str = "proto";
const FILES: &[&str] = &[
    "mesos/v1/mesos.proto",
    "mesos/v1/scheduler/scheduler.proto",
    "mesos/v1/executor/executor.proto",
    "mesos/v1/master/master.proto",
    "mesos/v1/agent/agent.proto",
    "mesos/v1/allocator/allocator.proto",
    "mesos/v1/maintenance/maintenance.proto",
    "mesos/v1/quota/quota.proto",
    "mesos/v1/resource_provider/resource_provider.proto",
];
const BRIDGE: &str = "src/backend/libmesos.rs";
/// The messages that need prost structs; what they hold comes along.
const ROOTS: &[&str] = &[
    ".mesos.v1.scheduler.Call",
    ".mesos.v1.scheduler.Event",
    ".mesos.v1.executor.Call",
    ".mesos.v1.executor.Event",
    ".mesos.v1.master.Call",
    ".mesos.v1.master.Response",
    ".mesos.v1.master.Event",
    ".mesos.v1.agent.Call",
    ".mesos.v1.agent.Response",
];

/// Names a file of descriptors (a `FileDescriptorSet`) for the feature `extra-schema`.
const EXTRA: &str = "MESOS_EXTRA_SCHEMA";

fn main() -> Result<()> {
    for input in [PROTO, "build.rs", "build", "cpp", BRIDGE] {
        println!("cargo::rerun-if-changed={input}");
    }
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let set = protox::compile(FILES.iter().map(|file| Path::new(PROTO).join(file)), [PROTO])?;

    let mut schema = set.clone();
    schema.file.extend(extra()?);
    std::fs::write(out.join("tables.rs"), tables::generate(&schema)?)?;

    let pruned = prune::prune(set, ROOTS)?;
    let mut config = prost_build::Config::new();
    config.btree_map(["."]); // the embedded cluster's machines must do the same each time
    config.bytes(["."]).include_file("structs.rs");
    for field in prune::large_fields(&pruned) {
        config.boxed(field);
    }
    config.compile_fds(pruned)?;

    // A warning is an error for who works on this, not for who installs it with a compiler of next year.
    let is_release = std::env::var("PROFILE")? == "release";
    cxx_build::bridge(BRIDGE)
        .files(["cpp/library.cc", "cpp/message.cc", "cpp/scheduler.cc", "cpp/executor.cc"])
        .std("c++17")
        .warnings(true)
        .extra_warnings(true)
        .warnings_into_errors(!is_release)
        .compile("mesos-cpp");
    Ok(())
}

/// Types that Mesos does not have: with them the message classes can be tested on other schemas.
fn extra() -> Result<Vec<FileDescriptorProto>> {
    if !cfg!(feature = "extra-schema") {
        return Ok(Vec::new());
    }
    println!("cargo::rerun-if-env-changed={EXTRA}");
    let path =
        std::env::var(EXTRA).map_err(|_| format!("the feature extra-schema wants a file in {EXTRA}"))?;
    println!("cargo::rerun-if-changed={path}");
    Ok(FileDescriptorSet::decode(&*std::fs::read(path)?)?.file)
}
