//! Calls and dialogs, which are lost with their connection.

use super::Core;
use crate::{
    demo::{
        dialogs::{Dialog, DialogId},
        request::FlowInfo,
    },
    sip::ServerTransactionId,
};

impl Core {
    /// A call is lost with its connection.
    pub(in crate::demo) fn watch_call(&mut self, flow: FlowInfo, call: ServerTransactionId) {
        if flow.transport.is_reliable()
            && let Some(flow) = self.flows.get_mut(&flow.id)
        {
            flow.calls.insert(call);
        }
    }

    pub(in crate::demo) fn unwatch_call(&mut self, flow: FlowInfo, call: ServerTransactionId) {
        if let Some(flow) = self.flows.get_mut(&flow.id) {
            flow.calls.remove(&call);
        }
    }

    /// Adds a dialog, which is lost with its connection. Where there are too many the oldest goes.
    pub(in crate::demo) fn add_dialog(&mut self, dialog: Dialog) -> DialogId {
        if let Some(oldest) = self.dialogs.surplus() {
            self.drop_dialog(oldest);
        }
        let flow = dialog.flow;
        let id = self.dialogs.add(dialog);
        if flow.transport.is_reliable()
            && let Some(flow) = self.flows.get_mut(&flow.id)
        {
            flow.dialogs.insert(id);
        }
        id
    }

    /// Forgets a dialog and everything that is scheduled for it.
    pub(in crate::demo) fn drop_dialog(&mut self, id: DialogId) {
        let Some(dialog) = self.dialogs.remove(id) else { return };
        for scheduled in dialog.scheduled() {
            self.schedule.cancel(scheduled);
        }
        if let Some(flow) = self.flows.get_mut(&dialog.flow.id) {
            flow.dialogs.remove(&id);
        }
    }
}
