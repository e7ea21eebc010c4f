//! [`Made`]: what identifies a request, made when its form opens, so that the preview shows what is
//! really sent.

use crate::{
    engine::Values,
    sip::{Branch, Identifiers},
};

/// What identifies the request, made before it is sent.
#[derive(Debug)]
pub(super) struct Made {
    identifiers: Identifiers,
    pub(super) call_id: String,
    pub(super) from_tag: String,
    pub(super) cseq: u32,
    pub(super) branch: Branch,
    pub(super) values: Values,
}

impl Made {
    pub(super) fn new(seed: u64) -> Made {
        let mut identifiers = Identifiers::new(seed);
        Made {
            call_id: identifiers.call_id(),
            from_tag: identifiers.tag(),
            cseq: identifiers.cseq(),
            branch: identifiers.branch(),
            identifiers,
            values: Values::new(seed),
        }
    }

    /// For the next request.
    pub(super) fn renew(&mut self) {
        self.call_id = self.identifiers.call_id();
        self.from_tag = self.identifiers.tag();
        self.cseq = self.identifiers.cseq();
        self.branch = self.identifiers.branch();
    }
}
