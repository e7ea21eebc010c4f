//! The three jobs that are measured, for each library: index a message, index it and read its
//! From, To, Via, CSeq, Call-ID and Contact as typed values, and write what was read.

mod libraries;
mod messages;

pub use libraries::{LIBRARIES, Library};
pub use messages::{MESSAGES, Sample};

use bytes::Bytes;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// The message as the library's own type.
    Index,
    /// The same, with six headers typed.
    Typed,
    /// The message that was read as bytes again.
    Write,
}

impl Job {
    /// Every job.
    pub const ALL: [Job; 3] = [Job::Index, Job::Typed, Job::Write];

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Job::Index => "index",
            Job::Typed => "typed",
            Job::Write => "write",
        }
    }
}

/// Runs a job some times, and gives what was counted so that nothing is left out.
pub fn repeat(library: &Library, job: Job, bytes: &Bytes, times: u64) -> usize {
    match job {
        Job::Index => (library.index)(bytes, times),
        Job::Typed => (library.typed)(bytes, times),
        Job::Write => (library.write)(bytes, times),
    }
}
