//! Branches that the user wrote by hand, in raw requests.
//!
//! Ours are numbers; any string may stand in theirs. Each is kept once, with a number of ours that
//! stands for it everywhere else, so that an ordinary transaction costs nothing more.

use std::collections::HashMap;

use crate::sip::{event::FlowId, header::Via, random::Branch};

/// What finds the transaction of a raw request: its flow, its CSeq method, and the branch and
/// sent-by of its top Via (RFC 3261 §17.1.3, §18.1.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Foreign {
    flow: FlowId,
    method: Box<str>,
    branch: Box<str>,
    /// In lower case.
    host: Box<str>,
    port: Option<u16>,
}

impl Foreign {
    /// `None` where the Via has no branch.
    pub(super) fn new(flow: FlowId, via: &Via<'_>, method: &str) -> Option<Foreign> {
        let branch = via.branch().filter(|branch| !branch.is_empty())?;
        Some(Foreign {
            flow,
            method: method.into(),
            branch: branch.into(),
            host: via.host().to_ascii_lowercase().into(),
            port: via.port(),
        })
    }

    /// The INVITE that this CANCEL cancels; `None` where it is no CANCEL.
    pub(super) fn cancelled(self) -> Option<Foreign> {
        (&*self.method == "CANCEL").then(|| Foreign { method: "INVITE".into(), ..self })
    }
}

/// All of them that transactions have.
#[derive(Debug, Default)]
pub(super) struct ForeignBranches {
    ours: HashMap<Foreign, Branch>,
    theirs: HashMap<Branch, Foreign>,
}

impl ForeignBranches {
    pub(super) fn is_empty(&self) -> bool {
        self.theirs.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.theirs.len()
    }

    pub(super) fn insert(&mut self, branch: Branch, foreign: Foreign) {
        self.ours.insert(foreign.clone(), branch);
        self.theirs.insert(branch, foreign);
    }

    pub(super) fn get(&self, foreign: &Foreign) -> Option<Branch> {
        self.ours.get(foreign).copied()
    }

    pub(super) fn contains(&self, branch: Branch) -> bool {
        self.theirs.contains_key(&branch)
    }

    /// Nothing has that branch any more; a newer request may have taken its place.
    pub(super) fn remove(&mut self, branch: Branch) {
        let Some(foreign) = self.theirs.remove(&branch) else { return };
        if self.ours.get(&foreign) == Some(&branch) {
            self.ours.remove(&foreign);
        }
    }
}
