//! What is under the cursor goes to the clipboard.

use crate::front::tui::model::{Effect, Model};

pub(super) fn copy(model: &mut Model) -> Vec<Effect> {
    let Some(text) = model.copied() else {
        model.complain("there is nothing to copy");
        return Vec::new();
    };
    // A terminal that has no clipboard keeps silent: what was meant to be copied is there to be read.
    model.tell(format!("copied: {text}"));
    vec![Effect::Copy(text)]
}
