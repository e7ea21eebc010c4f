//! `cargo bench`: every library, job and message in one run.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sipboard_compare::{Job, LIBRARIES, MESSAGES, repeat};

fn messages(criterion: &mut Criterion) {
    for sample in &MESSAGES {
        let bytes = sample.bytes();
        for job in Job::ALL {
            let mut group = criterion.benchmark_group(format!("{} {}", job.name(), sample.name));
            group.throughput(Throughput::Elements(1));
            group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
            for library in &LIBRARIES {
                if job == Job::Typed && !library.types {
                    continue;
                }
                let id = BenchmarkId::from_parameter(library.name);
                group.bench_with_input(id, &bytes, |bencher, bytes| {
                    bencher.iter_custom(|times| {
                        let begin = std::time::Instant::now();
                        std::hint::black_box(repeat(library, job, bytes, times));
                        begin.elapsed()
                    });
                });
            }
        }
    }
}

criterion_group!(benches, messages);
criterion_main!(benches);
