//! Which header names a message has, and where the first of those stands that are asked for most:
//! found out once, while the message is indexed.

use crate::sip::name::HeaderName;

/// Which header names stand in a message, and which more than once: a bit for each name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct NameSet {
    once: [u64; 2],
    twice: [u64; 2],
}

const _: () = assert!(HeaderName::KNOWN.len() + 2 <= 128, "a NameSet has a bit for each name");

/// Where the headers that are asked for most stand first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Places([u16; Places::COUNT]);

impl NameSet {
    #[inline]
    pub(super) fn insert(&mut self, name: HeaderName) {
        let (word, bit) = (name as usize / 64, 1 << (name as usize % 64));
        self.twice[word] |= self.once[word] & bit;
        self.once[word] |= bit;
    }

    #[inline]
    pub(super) fn contains(&self, name: HeaderName) -> bool {
        self.once[name as usize / 64] >> (name as usize % 64) & 1 == 1
    }

    #[inline]
    pub(super) fn repeats(&self, name: HeaderName) -> bool {
        self.twice[name as usize / 64] >> (name as usize % 64) & 1 == 1
    }
}

/// The headers that have a place of their own, as each is asked for in every message.
const PLACED: [HeaderName; 7] = [
    HeaderName::Via,
    HeaderName::From,
    HeaderName::To,
    HeaderName::CallId,
    HeaderName::CSeq,
    HeaderName::Contact,
    HeaderName::ContentLength,
];

/// For each name its slot; the last slot is for all that have none.
static SLOTS: [u8; 128] = {
    let mut slots = [PLACED.len() as u8; 128];
    let mut i = 0;
    while i < PLACED.len() {
        slots[PLACED[i] as usize] = i as u8;
        i += 1;
    }
    slots
};

impl Places {
    const COUNT: usize = PLACED.len() + 1;
    pub(super) const NONE: Places = Places([u16::MAX; Places::COUNT]);

    /// A header so far behind that its number does not fit has no place, and is searched for.
    #[inline]
    pub(super) fn note(&mut self, name: HeaderName, index: usize) {
        let slot = &mut self.0[usize::from(SLOTS[name as usize])];
        if *slot == u16::MAX {
            *slot = u16::try_from(index).unwrap_or(u16::MAX);
        }
    }

    #[inline]
    pub(super) fn of(&self, name: HeaderName) -> Option<usize> {
        let slot = usize::from(SLOTS[name as usize]);
        (slot < PLACED.len() && self.0[slot] != u16::MAX).then(|| self.0[slot].into())
    }
}
