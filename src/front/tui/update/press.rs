//! What each key does.

use std::path::PathBuf;

use seaworthy::event::Ended;

use super::{answers, choose, clusters, copy, end, find, groundwork, home, logs, recovery, settings, walk};
use crate::front::origin::WAYS;
use crate::front::tui::keys::Action;
use crate::front::tui::model::{Board, Draft, Effect, Exit, Line, Model, Popup, Request, SCREENS, Screen, Ways};
use crate::front::tui::view;

/// Further than anything can be moved.
const TO_THE_END: isize = isize::MAX / 2;

/// Does what a key means where the person is.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Up => scroll(model, -1),
        Action::Down => scroll(model, 1),
        Action::PageUp => scroll(model, -page(model)),
        Action::PageDown => scroll(model, page(model)),
        Action::First => scroll(model, isize::MIN / 2),
        Action::Last => scroll(model, TO_THE_END),
        Action::Help => help(model),
        Action::Details => details(model),
        Action::Interrupt => return end(model, 130),
        Action::Suspend => return vec![Effect::Suspend],
        Action::Quit => return quit(model),
        Action::Back => return back(model),
        Action::Next => return next(model),
        Action::Again => return again(model),
        Action::Conflicts => {
            model.review.turn();
            return plan(model);
        }
        Action::Replan if model.screen == Screen::Recovery => return recovery::act(model, action),
        Action::Adopt | Action::Change if model.screen == Screen::Prerequisites => {
            return groundwork::act(model, action);
        }
        Action::Adopt => {
            model.review.adopt = !model.review.adopt;
            return plan(model);
        }
        Action::Replan => {
            model.review.replan = !model.review.replan;
            return plan(model);
        }
        Action::Yes | Action::No if matches!(model.popup, Some(Popup::Whether { .. })) => {
            model.popup = None;
            return vec![Effect::Answer(action == Action::Yes)];
        }
        Action::LookFirst | Action::Answer => recovery::put_off(model),
        Action::Yes => {
            model.popup = None;
            return end(model, 130);
        }
        Action::Images => model.review.images = !model.review.images,
        Action::Create => model.clusters.go_to_yards(),
        Action::No => model.popup = None,
        Action::Take | Action::Drop if model.popup.is_some() => return close(model, action == Action::Take),
        Action::Timeline => {
            if let Some(board) = &mut model.board {
                board.timeline = !board.timeline;
            }
        }
        Action::Logs => return logs::open(model),
        Action::GoHome
        | Action::Install
        | Action::Map
        | Action::OpenStack
        | Action::Doctor
        | Action::Fix
        | Action::Recover => {
            return home::act(model, action);
        }
        Action::Hold | Action::Copies | Action::Settings | Action::Note => return recovery::act(model, action),
        Action::Troubleshoot => return walk::open(model),
        Action::Filter => find::open(model),
        Action::Copy => return copy::copy(model),
        _ => return settings::act(model, action),
    }
    Vec::new()
}

/// Most of what fits below the heading.
fn page(model: &Model) -> isize {
    isize::try_from(view::body_height(model.size).saturating_sub(2).max(1)).unwrap_or(1)
}

/// Moves what moves on this screen.
fn scroll(model: &mut Model, by: isize) {
    let moved = |at: usize, length: usize| at.saturating_add_signed(by).min(length.saturating_sub(1));
    let most = view::popup_overflow(model);
    if let Some(from) = model.popup.as_mut().and_then(Popup::first_line) {
        *from = from.saturating_add_signed(by).min(most);
        return;
    }
    match model.screen {
        Screen::Home => model.watch.cursor = moved(model.watch.cursor, model.watch.entries(&model.filter()).len()),
        Screen::Storage => model.watch.link = moved(model.watch.link, model.watch.chains(&model.filter()).len()),
        Screen::Walks | Screen::Walk => walk::scroll(model, by),
        Screen::Losses | Screen::Recovery | Screen::Report => recovery::scroll(model, by),
        Screen::Cluster => {
            model.clusters.moved = true;
            model.clusters.cursor = moved(model.clusters.cursor, model.clusters.lines().len());
        }
        Screen::Stack => {
            let length = model.stacks.found.as_ref().map_or(0, Vec::len);
            model.stacks.cursor = moved(model.stacks.cursor, length);
        }
        Screen::Images => model.images.cursor = moved(model.images.cursor, WAYS.len()),
        Screen::Profile => {
            let length = model.stack().map_or(0, |stack| stack.definition().profiles.len());
            model.profiles.cursor = moved(model.profiles.cursor, length);
        }
        Screen::Prerequisites => {
            model.groundwork.cursor = moved(model.groundwork.cursor, model.groundwork.lines().len());
        }
        Screen::Settings => {
            if let Some(sheet) = model.sheet_mut() {
                sheet.go(by);
            }
        }
        Screen::Review => {
            let most = view::text_overflow(model);
            model.review.scroll_to(model.review.scroll.saturating_add_signed(by), most);
        }
        Screen::Run if model.logs.is_some() => logs::scroll(model, by),
        Screen::Run => scroll_run(model, by),
        Screen::Reach => model.ways.cursor = moved(model.ways.cursor, model.ways.all.len()),
    }
}

/// Whoever moves the cursor keeps it; with End it follows what is under way again.
fn scroll_run(model: &mut Model, by: isize) {
    if let Some(board) = &mut model.board {
        let to = board.at().saturating_add_signed(by).min(board.len().saturating_sub(1));
        board.cursor = (by < TO_THE_END).then_some(to);
    }
}

fn help(model: &mut Model) {
    model.popup = match model.popup {
        Some(Popup::Help(_)) => None,
        _ => Some(Popup::Help(0)),
    };
}

/// The details as a window, or back.
fn details(model: &mut Model) {
    model.popup = match model.popup {
        Some(Popup::Details(_)) => None,
        _ if view::has_details(model) => Some(Popup::Details(0)),
        _ => return model.tell("nothing more is said here"),
    };
}

fn quit(model: &mut Model) -> Vec<Effect> {
    if answers::is_left_alone(model) {
        model.popup = Some(Popup::Leave);
        return Vec::new();
    }
    if model.recovery.is_braking() {
        model.complain("the brake is being pulled; it takes a moment");
        return Vec::new();
    }
    // Whoever has only looked has declined nothing.
    let looked = model.last.is_some() || model.watch.context.is_some();
    vec![Effect::Quit(if looked { Exit::Ended } else { Exit::Declined })]
}

fn back(model: &mut Model) -> Vec<Effect> {
    if model.popup.take().is_some() {
        return Vec::new();
    }
    let at = SCREENS.iter().position(|(screen, _)| *screen == model.screen).unwrap_or_default();
    match model.screen {
        // The first step back is from what was looked for.
        Screen::Home | Screen::Storage if !model.watch.filter.is_empty() => home::filter(model, false, &Line::new("")),
        Screen::Home => model.screen = Screen::Cluster,
        Screen::Storage | Screen::Walks => model.screen = Screen::Home,
        Screen::Losses | Screen::Recovery | Screen::Report => return recovery::back(model),
        Screen::Walk => model.screen = Screen::Walks,
        Screen::Stack if model.wish.home => model.screen = Screen::Home,
        Screen::Cluster => model.tell("this is the first step; q leaves"),
        Screen::Run if model.logs.as_ref().is_some_and(|logs| !logs.filter.is_empty()) => {
            logs::filter(model, String::new());
        }
        Screen::Run if model.logs.is_some() => return logs::close(model),
        Screen::Run if model.is_recovering() => return recovery::back(model),
        Screen::Run => return plan_again(model),
        Screen::Reach => {
            model.screen = Screen::Run;
            model.ways.open = None;
            return vec![Effect::Close];
        }
        Screen::Settings => {
            choose::outline(model);
            groundwork::enter(model);
        }
        Screen::Profile if model.wish.images => model.screen = Screen::Stack,
        _ => model.screen = SCREENS[at - 1].0,
    }
    Vec::new()
}

/// Enter, or the arrow to the right.
fn next(model: &mut Model) -> Vec<Effect> {
    match model.screen {
        Screen::Cluster => {
            let Some(why) = model.clusters.objection() else {
                if model.clusters.chosen().is_none() {
                    return clusters::take(model);
                }
                if model.wish.home {
                    return home::go(model);
                }
                model.screen = Screen::Stack;
                return survey(model, false);
            };
            model.complain(why);
        }
        Screen::Home => return home::act(model, Action::Next),
        Screen::Walks | Screen::Walk => return walk::next(model),
        Screen::Losses | Screen::Recovery | Screen::Report => return recovery::next(model),
        Screen::Storage => {}
        Screen::Stack => choose::choose_stack(model),
        Screen::Images => choose::choose_way(model),
        Screen::Profile => choose::choose_profile(model),
        Screen::Prerequisites => return groundwork::go_on(model),
        Screen::Settings => return go_on(model),
        Screen::Review => return run(model),
        Screen::Run if model.is_recovering() => return recovery::next(model),
        Screen::Run => return after_run(model),
        Screen::Reach => return open(model),
    }
    Vec::new()
}

/// Asks the chosen cluster what it offers, unless it has said so already.
pub(super) fn survey(model: &mut Model, anew: bool) -> Vec<Effect> {
    let Some(context) = model.clusters.chosen().map(str::to_owned) else { return Vec::new() };
    if !anew && matches!(&model.profiles.room, Some((asked, _)) if *asked == context) {
        return Vec::new();
    }
    model.profiles.room = Some((context.clone(), None));
    model.groundwork.ground = Some((context.clone(), None));
    groundwork::judge(model);
    vec![Effect::Survey { context }]
}

/// From the settings to the plan, when nothing is wrong with them.
pub(super) fn go_on(model: &mut Model) -> Vec<Effect> {
    let Some(sheet) = model.sheet_mut() else { return Vec::new() };
    let (errors, first) = sheet.form.errors();
    if errors == 0 {
        model.screen = Screen::Review;
        return plan(model);
    }
    if let Some(index) = first {
        sheet.go_to(index);
    }
    let other = sheet.form.other_faults().next().map(ToString::to_string);
    let rest = other.filter(|_| first.is_none()).map_or(String::new(), |fault| format!(": {fault}"));
    model.complain(format!("{} to mend first{rest}", crate::front::paint::count(errors, "setting")));
    Vec::new()
}

/// Asks for a plan from all that was chosen.
fn plan(model: &mut Model) -> Vec<Effect> {
    let (Some(context), Some(sheet)) = (model.clusters.chosen(), model.sheet()) else { return Vec::new() };
    let request = Request {
        context: context.to_owned(),
        stack: sheet.form.stack().clone(),
        choices: sheet.form.choices(),
        origin: model.images.origin.clone(),
        prerequisites: model.groundwork.order(),
        conflicts: model.review.conflicts,
        adopt: model.review.adopt,
        replan: model.review.replan,
    };
    model.review.ticket += 1;
    model.review.draft = Draft::Making;
    vec![Effect::Plan { ticket: model.review.ticket, request: Box::new(request) }]
}

fn plan_again(model: &mut Model) -> Vec<Effect> {
    model.screen = Screen::Review;
    plan(model)
}

fn again(model: &mut Model) -> Vec<Effect> {
    match model.screen {
        Screen::Cluster => {
            model.clusters.forget();
            std::iter::once(Effect::Look).chain(clusters::ask(model)).collect()
        }
        Screen::Home => home::anew(model),
        Screen::Losses | Screen::Recovery => recovery::again(model),
        Screen::Profile | Screen::Prerequisites => survey(model, true),
        _ => plan(model),
    }
}

/// The plan that is on the screen is agreed to.
fn run(model: &mut Model) -> Vec<Effect> {
    let objection = match &model.review.draft {
        _ if model.wish.dry_run => Some("--dry-run: the plan is only shown".to_owned()),
        Draft::Made(made) => made.objection().map(str::to_owned),
        Draft::Making => Some("the plan is not there yet".to_owned()),
        Draft::None | Draft::Refused(_) => Some("there is no plan that could be run; r asks again".to_owned()),
    };
    if let Some(why) = objection {
        model.complain(why);
        return Vec::new();
    }
    // Nobody agrees to what was never on the screen without being told of it.
    if model.review.seen < view::text_overflow(model) {
        model.review.seen = usize::MAX;
        model.tell("the plan goes on below: End shows its end, Enter runs it as it is");
        return Vec::new();
    }
    if let Some(made) = model.review.made() {
        model.board = Some(Board::new(made.plans(), model.time));
        model.ways = Ways { all: made.plan.reach.clone(), ..Ways::default() };
        model.last = None;
        // It was meant for the run that was open then.
        model.review.replan = false;
        model.screen = Screen::Run;
    }
    vec![Effect::Run]
}

fn after_run(model: &mut Model) -> Vec<Effect> {
    let done = model.board.as_ref().and_then(|board| board.outcome.as_ref()).is_some_and(|o| o.ended == Ended::Done);
    // Once the prerequisites are there and the images in the nodes, the plan is that of the installation.
    if model.is_preparing() {
        // What is there is another matter now; the plan is asked for with what was chosen before.
        return plan_again(model).into_iter().chain(survey(model, true)).collect();
    }
    if !done || model.is_loading() {
        return plan_again(model);
    }
    model.screen = Screen::Reach;
    model.ways.cursor = 0;
    open(model)
}

fn open(model: &mut Model) -> Vec<Effect> {
    let cursor = model.ways.cursor;
    let Some(way) = model.ways.all.get(cursor).cloned() else { return Vec::new() };
    if matches!(&model.ways.open, Some((at, Some(Ok(_)))) if *at == cursor) {
        // Opened again it would move to another port, away from the browser that shows it.
        model.tell("it is open");
        return Vec::new();
    }
    model.ways.open = Some((cursor, None));
    vec![Effect::Open(Box::new(way))]
}

/// A window is closed, and what was typed into it taken or not.
fn close(model: &mut Model, take: bool) -> Vec<Effect> {
    if matches!(model.popup, Some(Popup::Agree { .. } | Popup::Setting { .. } | Popup::Note { .. })) {
        return recovery::close(model, take);
    }
    match model.popup.take() {
        Some(Popup::File { save, line }) if take => file(model, save, &line),
        Some(Popup::Field { field, line }) if take => {
            choose::answer(model, field, line);
            Vec::new()
        }
        Some(Popup::Filter { line }) if model.logs.is_some() => {
            let text = if take { line.text().trim().to_owned() } else { String::new() };
            logs::filter(model, text);
            Vec::new()
        }
        Some(Popup::Make { maker, name, line }) if take => clusters::answer(model, (maker, name), line),
        Some(Popup::Pool { line }) if take => {
            groundwork::take_pool(model, line);
            Vec::new()
        }
        Some(Popup::Registry { line }) if take => {
            groundwork::take_registry(model, &line);
            Vec::new()
        }
        Some(Popup::Filter { line }) if model.is_at_home() => {
            home::filter(model, take, &line);
            Vec::new()
        }
        Some(Popup::Filter { line }) if take => {
            find::take(model, &line);
            Vec::new()
        }
        Some(Popup::Word { word, line, .. }) => vec![Effect::Answer(take && line.text().trim() == word)],
        _ => Vec::new(),
    }
}

fn file(model: &mut Model, save: bool, line: &Line) -> Vec<Effect> {
    let path = PathBuf::from(line.text().trim());
    if path.as_os_str().is_empty() {
        model.complain("no file was named");
        return Vec::new();
    }
    if !save {
        return vec![Effect::Load { path }];
    }
    match model.sheet().map(|sheet| sheet.form.as_file()) {
        Some(Ok(text)) => vec![Effect::Save { path, text }],
        Some(Err(why)) => {
            model.complain(why);
            Vec::new()
        }
        None => Vec::new(),
    }
}
