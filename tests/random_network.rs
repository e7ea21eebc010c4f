//! Random steps, a million of them before a change lands, on a network on which everything goes wrong, with users who change their minds
//! at any moment. `network/check.rs` says what must be true after each.
//!
//! A failure prints its seed: `SIPBOARD_SEED=N cargo test --test random_network` goes the same way
//! again. `SIPBOARD_STEPS` makes it shorter or longer.

mod network;

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use network::{
    World,
    check::{KINDS, RARE},
};
use sipboard::sip::Held;

/// How many steps one world lives.
const LIFE: u64 = 20_000;
/// Unoptimised a million take half a minute of two cores: whoever has it says `SIPBOARD_STEPS`.
const STEPS: u64 = if cfg!(debug_assertions) { 200_000 } else { 1_000_000 };

#[test]
fn whatever_the_network_and_the_users_do_the_user_agent_keeps_its_promises() {
    if let Some(seed) = number("SIPBOARD_SEED") {
        return println!("{:#?}", live(seed));
    }
    let steps = number("SIPBOARD_STEPS").unwrap_or(STEPS);
    let first: u64 = rand::random();
    let next = AtomicU64::new(0);
    let threads = thread::available_parallelism().map_or(1, |threads| threads.get());
    let told = thread::scope(|scope| {
        let work = || {
            let mut told = BTreeSet::new();
            loop {
                let world = next.fetch_add(1, Ordering::Relaxed);
                if world * LIFE >= steps {
                    return told;
                }
                told.extend(live(first.wrapping_add(world)).into_keys());
            }
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let told = threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        told.collect::<BTreeSet<_>>()
    });
    if steps >= STEPS {
        let usual = told.iter().filter(|kind| !RARE.contains(*kind)).count();
        assert_eq!(usual, KINDS, "some facts never came to be: {told:?}");
    }
}

/// One world, from its seed to the end of everything in it; how often which fact was told.
fn live(seed: u64) -> BTreeMap<&'static str, u64> {
    let result = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(seed);
        while world.steps < LIFE {
            world.step();
        }
        for held in world.wind_down() {
            assert_eq!(held, Held::default(), "something is held for ever");
        }
        world.tally()
    }));
    result.unwrap_or_else(|panic| {
        eprintln!("SIPBOARD_SEED={seed} goes the same way again");
        resume_unwind(panic)
    })
}

fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {text:?}")))
}
