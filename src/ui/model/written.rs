//! [`Written`]: the texts that requests were written as, with their variables, so that one that is
//! sent again has values of its own.

use std::collections::{BTreeMap, VecDeque};

use crate::{engine::Draft, sip::ContextId};

/// Of how many requests the texts are kept.
const KEPT: usize = 1_000;

/// The texts of the requests that were written last.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// Those whose rows have not come yet, each with its Call-ID.
    awaited: VecDeque<(Box<str>, Draft)>,
    drafts: BTreeMap<ContextId, Draft>,
}

impl Written {
    /// A request was handed to the engine.
    pub(in crate::ui) fn note(&mut self, call_id: &str, draft: Draft) {
        if self.awaited.len() == KEPT {
            self.awaited.pop_front();
        }
        self.awaited.push_back((call_id.into(), draft));
    }

    /// Its row has come; another one of the same Call-ID is not what was written.
    pub(super) fn bind(&mut self, call_id: &str, context: ContextId) {
        let Some(at) = self.awaited.iter().position(|(known, _)| **known == *call_id) else {
            return;
        };
        if let Some((_, draft)) = self.awaited.remove(at) {
            self.drafts.insert(context, draft);
        }
        if self.drafts.len() > KEPT {
            self.drafts.pop_first();
        }
    }

    /// As what the request of a context was written, where that is known.
    pub fn of(&self, context: ContextId) -> Option<&Draft> {
        self.drafts.get(&context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_belong_to_the_first_row_of_their_call_and_not_for_ever() {
        let mut written = Written::default();
        for number in 1..=KEPT as u64 + 5 {
            let call_id = format!("call {number}");
            written.note(&call_id, Draft { target: call_id.clone(), ..Draft::default() });
            written.bind(&call_id, ContextId(2 * number));
            written.bind(&call_id, ContextId(2 * number + 1));
        }
        assert_eq!(written.of(ContextId(10)), None, "too long ago");
        assert_eq!(written.of(ContextId(12)).map(|draft| draft.target.as_str()), Some("call 6"));
        assert_eq!(written.of(ContextId(13)), None, "it came from elsewhere");
        assert_eq!((written.awaited.len(), written.drafts.len()), (0, KEPT));
    }
}
