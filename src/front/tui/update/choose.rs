//! Stack, images and profile: what is chosen of each, and what is asked about it.

use std::sync::Arc;

use seaworthy::prepare::Room;
use seaworthy::prepare::outline::Outline;
use seaworthy::stack::Stack;

use super::groundwork;
use crate::front::earlier::begin_with;
use crate::front::form::Form;
use crate::front::origin::{Field, WAYS, Way};
use crate::front::stack_text::Fit;
use crate::front::tui::model::{Line, Model, Popup, Screen, Sheet};

pub(super) fn choose_stack(model: &mut Model) {
    let Some(stack) = model.stack().cloned() else {
        return model.complain("there is no stack to choose");
    };
    if !model.sheets.contains_key(stack.name()) {
        begin_sheet(model, &stack);
    }
    if model.wish.images {
        return go_to_profiles(model);
    }
    let way = model.images.origin.way;
    model.images.cursor = WAYS.iter().position(|(known, ..)| *known == way).unwrap_or_default();
    model.screen = Screen::Images;
}

/// The settings of a stack, which begin with what is installed of it.
fn begin_sheet(model: &mut Model, stack: &Arc<Stack>) {
    let mut choices = model.wish.choices.clone();
    choices.take_registry(stack, model.wish.registry.as_deref());
    let mut form = Form::new(stack.clone(), choices);
    if let Some(record) = model.record(stack).cloned() {
        let said = begin_with(&record, &mut form, &mut model.images.origin);
        model.tell(said);
    }
    // A profile that this stack does not have was meant for another one.
    if !stack.definition().profiles.contains_key(form.profile()) {
        form.set_profile(stack.definition().default_profile());
    }
    model.sheets.insert(stack.name().to_owned(), Sheet::new(form));
}

/// Asks what there is to answer about the way that the cursor is on, and goes on.
pub(super) fn choose_way(model: &mut Model) {
    let Some((way, ..)) = WAYS.get(model.images.cursor) else { return };
    model.images.origin.way = *way;
    ask_field(model, way.fields());
}

/// The first of these questions, or on to the profiles when none is left.
fn ask_field(model: &mut Model, fields: &[Field]) {
    match fields.first() {
        Some(field) => {
            let line = Line::new(model.images.origin.get(*field));
            model.popup = Some(Popup::Field { field: *field, line });
        }
        None => go_to_profiles(model),
    }
}

/// An answer about where the images come from.
pub(super) fn answer(model: &mut Model, field: Field, line: Line) {
    let text = line.text();
    let is_empty = text.trim().is_empty();
    let is_kept = is_empty && model.images.origin.is_kept(field);
    if is_empty && !is_kept && !field.is_optional() {
        model.complain("that cannot be left empty");
        model.popup = Some(Popup::Field { field, line });
        return;
    }
    if !is_kept {
        model.images.origin.put(field, &text);
    }
    let fields = model.images.origin.way.fields();
    let next = fields.iter().position(|known| *known == field).map_or(0, |at| at + 1);
    ask_field(model, &fields[next..]);
}

/// With what the form has to know of where the images come from.
fn go_to_profiles(model: &mut Model) {
    let origin = model.images.origin.clone();
    let example = model.wish.choices.example || origin.way == Way::StandIns;
    let asked = !model.wish.images;
    let Some(stack) = model.stack().cloned() else { return };
    let Some(sheet) = model.sheet_mut() else { return };
    if asked {
        sheet.form.set_origin(origin.registry(), example);
    }
    let chosen = sheet.form.profile();
    let position = stack.definition().profiles.keys().position(|name| name == chosen);
    model.profiles.cursor = position.unwrap_or_default();
    outline(model);
    model.screen = Screen::Profile;
}

/// What each profile comes to, with all that is chosen now.
pub(super) fn outline(model: &mut Model) {
    let Some(form) = model.sheet().map(|sheet| &sheet.form) else { return };
    let (stack, choices) = (form.stack(), form.choices());
    let profiles = stack.definition().profiles.keys();
    model.profiles.outlines = profiles.map(|profile| Outline::of_profile(stack, &choices, profile)).collect();
}

pub(super) fn choose_profile(model: &mut Model) {
    let shares = &model.profiles.outline(model.profiles.cursor).shares;
    // What can be added is offered at the next step.
    let refuses = |room: &Room| room.sharing.refuses(shares) && !room.can_be_shared(shares);
    if model.profiles.offered().is_some_and(refuses) {
        return model.complain("no StorageClass here makes ReadWriteMany volumes, which it needs");
    }
    if let Some(profile) = model.profile().map(str::to_owned)
        && let Some(sheet) = model.sheet_mut()
    {
        if sheet.form.profile() != profile {
            sheet.form.set_profile(&profile);
        }
        model.groundwork.cursor = 0;
        groundwork::enter(model);
        warn_of_lacks(model, &profile);
    }
}

/// Whoever knows better than we do goes on all the same.
fn warn_of_lacks(model: &mut Model, name: &str) {
    let at = model.profiles.cursor;
    let Some(profile) = model.stack().and_then(|stack| stack.definition().profiles.get(name)) else { return };
    let Some(room) = model.profiles.offered() else { return };
    let fit = Fit::of(&room.beside(&profile.needs, &model.profiles.outline(at).shares));
    if !fit.is_enough() {
        model.tell(format!("profile {name} {fit}; the plan will say what does not fit"));
    }
}
