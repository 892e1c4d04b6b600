//! What is under the cursor goes to the clipboard, as kubectl or a shell would be asked for it.

use crate::front::tui::model::{Effect, Model, Screen, describe, kubectl};

pub(super) fn copy(model: &mut Model) -> Vec<Effect> {
    let at_run = model.screen == Screen::Run;
    let known = if at_run { model.clusters.chosen().map(str::to_owned) } else { model.watch.context.clone() };
    let context = known.filter(|_| model.wish.sandbox.is_none());
    let context = context.as_deref();
    let text = match model.screen {
        Screen::Run => {
            let row = model.board.as_ref().and_then(|board| board.chosen());
            let object = row.and_then(|row| row.object.as_ref()).filter(|object| object.api_version != "host");
            object.map(|object| describe(object, context))
        }
        Screen::Storage => {
            let chain = model.chain();
            let volume = |name: &str| seaworthy::recover::join::volume_ref(name);
            let object = chain.and_then(|chain| chain.claim.clone().or_else(|| chain.volume.as_deref().map(volume)));
            object.map(|object| describe(&object, context))
        }
        Screen::Cluster => model.clusters.chosen().map(|context| format!("{} get nodes", kubectl(Some(context)))),
        Screen::Stack => model.stack().map(|stack| format!("seaworthy stacks show {}", stack.name())),
        Screen::Settings => model.sheet().and_then(|sheet| sheet.form.option(sheet.setting()?)),
        Screen::Review => Some(model.command_line()),
        Screen::Reach => model.way_in(),
        _ => model.entry().map(|entry| entry.kubectl(context)),
    };
    let Some(text) = text else {
        model.complain("there is nothing to copy");
        return Vec::new();
    };
    let text = model.placed(&text);
    // A terminal that has no clipboard keeps silent: what was meant to be copied is there to be read.
    model.tell(format!("copied: {text}"));
    vec![Effect::Copy(text)]
}
