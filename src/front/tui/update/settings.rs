//! Typing settings.

use serde_json::Value;

use crate::front::tui::keys::Action;
use crate::front::tui::model::{Effect, Line, Model, Popup, Spot};

/// What a key does among the settings.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(sheet) = model.sheet_mut() else { return Vec::new() };
    match action {
        Action::Change => return change(model),
        Action::Undo => {
            if let Some(index) = sheet.setting() {
                sheet.form.undo(index);
            }
        }
        Action::Advanced => sheet.show_advanced(),
        Action::Take => sheet.take(),
        Action::TakeNext => {
            sheet.take();
            sheet.go(1);
        }
        Action::Drop => sheet.give_up(),
        Action::Save => ask_for_file(model, true),
        Action::Load => ask_for_file(model, false),
        _ => {}
    }
    Vec::new()
}

/// Enter or Space: a switch turns, a choice goes to its next, a group opens, everything else is typed.
fn change(model: &mut Model) -> Vec<Effect> {
    let Some(sheet) = model.sheet_mut() else { return Vec::new() };
    match sheet.spot() {
        Some(Spot::GoOn) => return super::press::go_on(model),
        Some(Spot::Group(group)) => sheet.fold(&group),
        Some(Spot::Setting(index)) => {
            let setting = &sheet.form.settings()[index];
            let now = sheet.form.shown(index);
            match next_option(&setting.types, &setting.options, &now) {
                Some(next) => sheet.form.put(index, &next),
                None => sheet.edit(index),
            }
        }
        Some(Spot::Title(_)) | None => {}
    }
    Vec::new()
}

/// What comes after the value now, where there is only a choice.
fn next_option(types: &[String], options: &[Value], now: &str) -> Option<String> {
    if types == ["boolean"] {
        return Some(if now == "true" { "false" } else { "true" }.to_owned());
    }
    let texts: Vec<String> = options.iter().map(seaworthy::stack::Setting::write).collect();
    let at = texts.iter().position(|text| text == now).map_or(0, |at| at + 1);
    texts.get(at).or(texts.first()).cloned()
}

fn ask_for_file(model: &mut Model, save: bool) {
    let name = model.stack().map(|stack| super::answers::values_file(stack)).unwrap_or_default();
    model.popup = Some(Popup::File { save, line: Line::new(&name) });
}

/// Changes the line that is being typed.
pub(super) fn type_into(model: &mut Model, change: impl FnOnce(&mut Line)) {
    if let Some(sheet) = model.sheet_mut() {
        if let Some((_, line)) = &mut sheet.editing {
            change(line);
        }
        sheet.typed();
    }
}

/// Text from the clipboard: where nothing is being typed, the setting under the cursor is.
pub(super) fn paste(model: &mut Model, text: &str) {
    let Some(sheet) = model.sheet_mut() else { return };
    let several = |index: usize| sheet.form.settings()[index].multiline;
    let text = match (&sheet.editing, sheet.setting()) {
        (None, None) => return,
        (Some((index, _)), _) if several(*index) => text.to_owned(),
        (None, Some(index)) if several(index) => text.to_owned(),
        _ => text.trim_end_matches(['\r', '\n']).to_owned(),
    };
    if sheet.editing.is_none()
        && let Some(index) = sheet.setting()
    {
        sheet.edit(index);
    }
    type_into(model, |line| line.insert(&text));
}
