//! Memory comes back: what worlds of chaos leave behind is what is kept on purpose, and no more.
//!
//! Alone in its binary, because the allocator counts for all tests in one.

mod network;

use std::alloc::System;

use network::World;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What a user agent may keep for good: tables that have grown, the names of its flows.
const FIXED: usize = 80 << 10;
/// What it may keep of a context that is over: its method and its last state, so that a wish that
/// comes too late is refused with the right reason.
const REMEMBERED: usize = 100;

#[test]
fn memory_comes_back_when_everything_has_run_down() {
    for seed in 1..=2 {
        let before = allocated();
        let mut world = World::new(seed);
        let mut most = 0;
        while world.steps < 10_000 {
            world.step();
            most = most.max(world.agents_hold());
        }
        assert!(most > 0, "nothing was ever held");
        world.wind_down();
        let contexts = world.contexts();
        let agents = world.into_agents();
        let kept = allocated() - before;
        let allowed = agents.len() * FIXED + contexts * REMEMBERED;
        assert!(kept <= allowed, "{kept} bytes after {contexts} contexts, {allowed} allowed");
        drop(agents);
        assert!(allocated() <= before + 1024, "a user agent leaks when it is dropped");
    }
}

/// Bytes that are allocated now.
fn allocated() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}
