//! What has to be there before the stack: what its keys do.

use std::collections::BTreeMap;

use seaworthy::prerequisites::shared_path::CLASS;
use seaworthy::prerequisites::{Prerequisite, Verdict};

use crate::front::prerequisites_text::why_text;
use crate::front::tui::keys::Action;
use crate::front::tui::model::{self, Effect, Footing, Line, Model, Popup, Preparation, Screen, pools};

/// To the step, with what the profile that was chosen needs.
pub(super) fn enter(model: &mut Model) {
    judge(model);
    model.screen = Screen::Prerequisites;
}

/// Judges with all that is known and answered now.
pub(super) fn judge(model: &mut Model) {
    let needed = needed(model);
    model.groundwork.judge(&needed);
}

/// Which prerequisites the chosen profile needs, and why.
fn needed(model: &Model) -> BTreeMap<Prerequisite, String> {
    let at = model.profiles.cursor;
    let profile = model.stack().and_then(|stack| stack.definition().profiles.iter().nth(at));
    let Some((name, profile)) = profile else { return BTreeMap::new() };
    model::needed((name, &profile.needs), &model.profiles.outline(at).shares, model.profiles.offered())
}

/// What a key does here.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Change => return change(model),
        Action::Adopt => adopt(model),
        _ => {}
    }
    Vec::new()
}

fn change(model: &mut Model) -> Vec<Effect> {
    match model.groundwork.line() {
        Footing::GoOn => return go_on(model),
        Footing::One(index) => turn(model, index),
        Footing::Pool => {
            let line = Line::new(&model.groundwork.answers().pool);
            model.popup = Some(Popup::Pool { line });
        }
        Footing::Others => model.groundwork.unfolded = !model.groundwork.unfolded,
        Footing::Registry => {
            let line = Line::new(&model.groundwork.answers().registry);
            model.popup = Some(Popup::Registry { line });
        }
        Footing::Proof => {
            let answers = model.groundwork.answers_mut();
            answers.unchecked = !answers.unchecked;
        }
    }
    Vec::new()
}

/// On to the settings.
pub(super) fn go_on(model: &mut Model) -> Vec<Effect> {
    if let Some(why) = model.groundwork.objection() {
        model.complain(why);
        return Vec::new();
    }
    name_class(model);
    model.screen = Screen::Settings;
    Vec::new()
}

/// Who shares volumes by what is added first has to name its class; who leaves it out after all names it no more.
fn name_class(model: &mut Model) {
    let Some(setting) = model.stack().and_then(|stack| stack.definition().shared_class.clone()) else { return };
    let added = |row: &Preparation| row.prerequisite == Prerequisite::SharedPath && row.chosen && row.is_work();
    let is_added = model.groundwork.rows.iter().any(added);
    let is_due = is_added && needed(model).contains_key(&Prerequisite::SharedPath);
    let Some(sheet) = model.sheet_mut() else { return };
    let stack = sheet.form.stack().name().to_owned();
    let Some(index) = sheet.form.settings().iter().position(|known| known.path == setting) else { return };
    if is_due && sheet.form.typed(index).is_none() {
        sheet.form.put(index, CLASS);
        model.groundwork.named.insert(stack);
        model.tell(format!("{setting} is {CLASS} now, the class of what is added first"));
    } else if !is_due && model.groundwork.named.remove(&stack) {
        // Only what was not answered otherwise since.
        if let Some(sheet) = model.sheet_mut().filter(|sheet| sheet.form.typed(index).as_deref() == Some(CLASS)) {
            sheet.form.undo(index);
        }
    }
}

/// Adds one, or leaves it out.
fn turn(model: &mut Model, index: usize) {
    let Some(row) = model.groundwork.rows.get(index).cloned() else { return };
    let name = row.prerequisite;
    if row.chosen {
        model.groundwork.choose(name, false);
    } else if row.is_work() {
        model.groundwork.choose(name, true);
    } else if let Verdict::Blocked(blocked) = &row.named.verdict {
        return model.complain(format!("{name} cannot be added: {}; {}", blocked.because, blocked.remedy));
    } else {
        return model.tell(format!("nothing is to be added: {}", why_text(&row.named)));
    }
    stay_on(model, name);
}

/// Takes one over from whoever has it, or leaves it to them.
fn adopt(model: &mut Model) {
    let Some(row) = model.groundwork.row().cloned() else {
        return model.complain("the cursor is on none that could be taken over");
    };
    let name = row.prerequisite;
    let Some(adoption) = &row.adoption else {
        return model.complain(format!("{name}: there is nothing of anybody else to take over"));
    };
    if let (false, Verdict::Blocked(blocked)) = (row.adopted, &adoption.verdict) {
        return model.complain(format!("{name} cannot be taken over: {}; {}", blocked.because, blocked.remedy));
    }
    model.groundwork.adopt(name, !row.adopted);
    stay_on(model, name);
}

/// The lines change; the cursor stays on the prerequisite.
fn stay_on(model: &mut Model, name: Prerequisite) {
    judge(model);
    let groundwork = &mut model.groundwork;
    let index = groundwork.rows.iter().position(|row| row.prerequisite == name);
    let line = index.and_then(|index| groundwork.lines().iter().position(|line| *line == Footing::One(index)));
    // One of those that nothing needs is folded away with them once it is left out.
    let others = || groundwork.lines().iter().position(|line| *line == Footing::Others);
    groundwork.cursor = line.or_else(others).unwrap_or_default();
}

/// The addresses that were typed: taken when they are right, and left in the window when not.
pub(super) fn take_pool(model: &mut Model, line: Line) {
    let typed = pools(&line.text());
    let checked = model.groundwork.known().and_then(|ground| ground.pool(&typed));
    match checked {
        Some(Err(_)) if !typed.is_empty() => {
            model.complain("these addresses cannot be taken; why stands above");
            model.popup = Some(Popup::Pool { line });
        }
        _ => {
            model.groundwork.answers_mut().pool = typed.join(",");
            judge(model);
        }
    }
}

/// The registry that was typed.
pub(super) fn take_registry(model: &mut Model, line: &Line) {
    let typed = line.text().trim().to_owned();
    model.groundwork.answers_mut().registry = typed;
    judge(model);
}
