//! What was measured, as a table in markdown.

use std::fmt;

use crate::{client::Sample, peer::Transport};

/// One program at one depth on one peer.
pub(crate) struct Cell {
    pub(crate) peer: &'static str,
    pub(crate) transport: Transport,
    pub(crate) depth: u64,
    pub(crate) client: &'static str,
    pub(crate) samples: Vec<Sample>,
}

#[derive(Default)]
pub(crate) struct Table {
    cells: Vec<Cell>,
    missing: Vec<String>,
}

impl Table {
    pub(crate) fn push(&mut self, cell: Cell) {
        self.cells.push(cell);
    }

    /// Something that could not be measured, and why.
    pub(crate) fn missing(&mut self, what: String) {
        if !self.missing.contains(&what) {
            self.missing.push(what);
        }
    }

    /// Whether a transaction of ours was lost.
    pub(crate) fn has_losses(&self) -> bool {
        self.cells.iter().any(|cell| cell.client == "sipboard" && cell.lost() > 0)
    }

    /// Ours beside it: on the same peer, over the same transport, as deep.
    fn sipboard(&self, cell: &Cell) -> Option<&Cell> {
        self.cells.iter().find(|ours| {
            let place = |cell: &Cell| (cell.peer, cell.transport, cell.depth);
            ours.client == "sipboard" && place(ours) == place(cell)
        })
    }

    /// How many times as fast ours was: the median over the rounds, in each of which the two ran
    /// one after the other.
    fn ratio(&self, cell: &Cell) -> Option<f64> {
        let ours = self.sipboard(cell)?;
        let rounds = ours.samples.iter().zip(&cell.samples);
        let ratios = rounds.map(|(ours, theirs)| ours.per_second / theirs.per_second);
        median(ratios.filter(|ratio| ratio.is_finite()))
    }
}

impl Cell {
    fn lost(&self) -> u64 {
        self.samples.iter().map(|sample| sample.lost).sum()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| peer | transport | in flight | program | transactions/s | sipboard is | RTT p50 / p99 ms | peak MiB | lost |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|---|---|")?;
        for cell in self.cells.iter().filter(|cell| !cell.samples.is_empty()) {
            let of = |value: fn(&Sample) -> f64| median(cell.samples.iter().map(value));
            let rate = of(|sample| sample.per_second).unwrap_or_default();
            let ratio = match self.ratio(cell) {
                Some(ratio) if cell.client != "sipboard" => format!("{ratio:.2}×"),
                _ => "–".to_owned(),
            };
            let half = median(cell.samples.iter().filter_map(|sample| Some(sample.rtt?.0)));
            let most = median(cell.samples.iter().filter_map(|sample| Some(sample.rtt?.1)));
            let rtt = match half.zip(most) {
                Some((half, most)) => format!("{half:.2} / {most:.2}"),
                None => "–".to_owned(),
            };
            let peak = of(|sample| sample.peak_kib as f64).unwrap_or_default() / 1024.0;
            let (peer, transport, depth) = (cell.peer, cell.transport.name(), cell.depth);
            let (client, lost) = (cell.client, cell.lost());
            writeln!(
                f,
                "| {peer} | {transport} | {depth} | {client} | {rate:.0} | {ratio} | {rtt} | {peak:.0} | {lost} |"
            )?;
        }
        for what in &self.missing {
            writeln!(f, "\nNot measured: {what}.")?;
        }
        Ok(())
    }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        even if even % 2 == 0 => Some(f64::midpoint(values[middle - 1], values[middle])),
        _ => Some(values[middle]),
    }
}
