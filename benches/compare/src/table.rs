//! Makes the README's table out of what criterion measured, and of what valgrind counts.
//!
//! `table CRITERION_FOLDER` prints Markdown. `table once LIBRARY JOB MESSAGE TIMES` does one job
//! some times: that is what is counted.

use std::{
    env, fs,
    path::Path,
    process::{Command, ExitCode},
};

use sipboard_compare::{Job, LIBRARIES, Library, MESSAGES, repeat};

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["once", library, job, message, times] => once(library, job, message, times),
        [folder] => print(Path::new(folder)),
        _ => {
            eprintln!("usage: table CRITERION_FOLDER | table once LIBRARY JOB MESSAGE TIMES");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn once(library: &str, job: &str, message: &str, times: &str) {
    let library = LIBRARIES.iter().find(|known| known.name == library).expect("a library");
    let job = Job::ALL.into_iter().find(|known| known.name() == job).expect("a job");
    let sample = MESSAGES.iter().find(|known| known.name == message).expect("a message");
    let times = times.parse().expect("a number");
    println!("{}", repeat(library, job, &sample.bytes(), times));
}

fn print(folder: &Path) {
    for sample in &MESSAGES {
        let size = sample.bytes().len();
        println!("{} of {size} bytes, thousands a second (instructions each):\n", sample.name);
        println!("| library | index | index and six typed headers | write | allocations to index |");
        println!("|---|---|---|---|---|");
        for library in &LIBRARIES {
            let cells: Vec<_> = Job::ALL
                .iter()
                .map(|job| match job {
                    Job::Typed if !library.types => "–".to_owned(),
                    _ => format!(
                        "{} ({})",
                        thousands(rate(folder, *job, sample.name, library.name)),
                        counted(INSTRUCTIONS, library, *job, sample.name)
                    ),
                })
                .collect();
            let allocations = counted(ALLOCATIONS, library, Job::Index, sample.name);
            println!("| {} | {} | {allocations} |", library.name, cells.join(" | "));
        }
        println!();
    }
}

/// Messages a second, from criterion's own estimate.
fn rate(folder: &Path, job: Job, message: &str, library: &str) -> f64 {
    let file = folder.join(format!("{} {message}/{library}/new/estimates.json", job.name()));
    let text = fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("{}: {error}; run cargo bench first", file.display()));
    // {"mean":…,"median":{"confidence_interval":{…},"point_estimate":123.4,…},…}
    let median = text.split("\"median\":").nth(1).expect("an estimate of the median");
    let value = median.split("\"point_estimate\":").nth(1).expect("a point estimate");
    let end = value.find([',', '}']).expect("the end of a number");
    1e9 / value[..end].parse::<f64>().expect("a number of nanoseconds")
}

fn thousands(rate: f64) -> String {
    let number = (rate / 1000.0).round() as u64;
    group(number)
}

/// What valgrind is asked, and what stands before the number in its answer.
type Question = (&'static [&'static str], &'static str);

const INSTRUCTIONS: Question =
    (&["--tool=callgrind", "--callgrind-out-file=/dev/null"], "Collected :");
const ALLOCATIONS: Question = (&["--tool=memcheck", "--leak-check=no"], "total heap usage:");

/// Per message: the difference between many and twice as many, so that starting counts nothing.
fn counted(question: Question, library: &Library, job: Job, message: &str) -> String {
    const TIMES: u64 = 200;
    let count = |times: u64| -> Option<u64> {
        let this = env::current_exe().ok()?;
        let output = Command::new("valgrind")
            .args(question.0)
            .arg(this)
            .args(["once", library.name, job.name(), message, &times.to_string()])
            .output()
            .ok()?;
        let text = String::from_utf8(output.stderr).ok()?;
        let value = text.split(question.1).nth(1)?.split_whitespace().next()?;
        value.replace(',', "").parse().ok()
    };
    match (count(TIMES), count(2 * TIMES)) {
        (Some(once), Some(twice)) => group((twice - once).div_ceil(TIMES)),
        _ => "no valgrind".to_owned(),
    }
}

fn group(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
