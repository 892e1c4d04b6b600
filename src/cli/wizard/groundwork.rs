//! What has to be there before the stack, asked line by line.

use std::collections::BTreeMap;

use seaworthy::prerequisites::shared_path::CLASS;
use seaworthy::prerequisites::{Prerequisite, Verdict};

use super::around::Around;
use crate::cli::{Failure, Session};
use crate::front::first::First;
use crate::front::form::Form;
use crate::front::prerequisites_text::list_text;
use crate::front::questions;
use crate::front::say;
use crate::front::tui::model::{Groundwork, Preparation, pools};

/// Something that can be said about them.
#[derive(Clone, Copy)]
enum Change {
    Choose(Prerequisite, bool),
    Adopt(Prerequisite, bool),
    Pool,
    Registry,
    Proof,
}

/// What is to be added first; `None`: nothing. `needed`: which the profile needs, and why; where it needs none, nothing is asked.
pub(super) async fn ask(
    session: &Session,
    (context, around): (&str, Around),
    needed: &BTreeMap<Prerequisite, String>,
) -> Result<Option<First>, Failure> {
    if needed.is_empty() {
        return Ok(None);
    }
    let busy = session.busy("looking for what the stack needs of the cluster");
    let ground = around.ground(session).await;
    drop(busy);
    let mut work = Groundwork::of(context, ground);
    work.judge(needed);
    loop {
        tell(&work);
        let changes = changes(&work);
        if changes.is_empty() || !questions::whether("Change something about what is added first?", false)? {
            match work.objection() {
                None => return Ok(work.order()),
                Some(why) => say(why),
            }
        }
        let lines: Vec<String> = changes.iter().map(|(line, _)| line.clone()).collect();
        let chosen = questions::choose("What? (type a part of it)", &lines, 0)?;
        if let Some((_, change)) = changes.get(chosen) {
            apply(&mut work, *change)?;
            work.judge(needed);
        }
    }
}

/// How those stand that are needed or were asked for, and what is done.
fn tell(work: &Groundwork) {
    let shown: Vec<&Preparation> = work.rows.iter().filter(|row| row.needed.is_some() || row.chosen).collect();
    let as_asked = |row: &&Preparation| if row.chosen { row.named.clone() } else { row.usual.clone() };
    say(list_text(&shown.iter().map(as_asked).collect::<Vec<_>>()));
    match work.order() {
        None => say("nothing is added before the stack"),
        Some(order) => {
            let names: Vec<String> = order.names.iter().map(ToString::to_string).collect();
            say(format!("added before the stack: {}", names.join(", ")));
            if let Some(Ok((proof, _))) = work.pool.as_ref().filter(|_| order.names.contains(&Prerequisite::Metallb)) {
                let ranges: Vec<String> = proof.addresses.iter().map(ToString::to_string).collect();
                say(format!("addresses for load balancers: {}", ranges.join(", ")));
            }
        }
    }
}

fn changes(work: &Groundwork) -> Vec<(String, Change)> {
    let mut changes = Vec::new();
    for row in &work.rows {
        let name = row.prerequisite;
        if row.chosen {
            changes.push((format!("leave {name} out"), Change::Choose(name, false)));
        } else if row.is_work() {
            changes.push((format!("add {name}"), Change::Choose(name, true)));
        }
        let found = row.usual.found.as_ref();
        let allowed = row.adoption.as_ref().filter(|it| !matches!(it.verdict, Verdict::Blocked(_)));
        if let Some((_, found)) = allowed.zip(found) {
            let (word, manager) = (if row.adopted { "leave" } else { "take over" }, &found.manager);
            changes.push((format!("{word} {name}, which {manager} looks after"), Change::Adopt(name, !row.adopted)));
        }
        let asked = row.chosen || (row.needed.is_some() && row.obstacle().is_some());
        if name == Prerequisite::Metallb && work.pool.is_some() && asked {
            changes.push((format!("name the addresses that {name} may give away"), Change::Pool));
        }
    }
    if work.order().is_some() {
        changes.push(("name the registry of their images".to_owned(), Change::Registry));
        let proof = if work.answers().unchecked { "prove that they work" } else { "do not prove that they work" };
        changes.push((proof.to_owned(), Change::Proof));
    }
    changes
}

fn apply(work: &mut Groundwork, change: Change) -> Result<(), Failure> {
    match change {
        Change::Choose(name, chosen) => work.choose(name, chosen),
        Change::Adopt(name, adopted) => work.adopt(name, adopted),
        Change::Pool => {
            let ground = work.known().cloned();
            let wrong = move |text: &str| {
                let typed = pools(text);
                let checked = ground.as_ref()?.pool(&typed)?;
                let failure = checked.err().filter(|_| !typed.is_empty())?;
                Some(failure.to_string().lines().map(str::trim).collect::<Vec<_>>().join(" "))
            };
            let question = "Addresses? (FIRST-LAST or a CIDR, several with commas; empty: worked out)";
            work.answers_mut().pool = pools(&questions::right_text(question, wrong)?).join(",");
        }
        Change::Registry => {
            let registry =
                questions::text("Registry? (empty: the registries in the manifests)", &work.answers().registry, true)?;
            work.answers_mut().registry = registry;
        }
        Change::Proof => {
            let answers = work.answers_mut();
            answers.unchecked = !answers.unchecked;
        }
    }
    Ok(())
}

/// Who shares volumes by what is added first has to name its class.
pub(super) fn name_class(form: &mut Form, order: Option<&First>, needed: &BTreeMap<Prerequisite, String>) {
    let it = Prerequisite::SharedPath;
    let is_due = needed.contains_key(&it) && order.is_some_and(|order| order.names.contains(&it));
    let Some(setting) = form.stack().definition().shared_class.clone().filter(|_| is_due) else { return };
    let index = form.settings().iter().position(|known| known.path == setting);
    if let Some(index) = index.filter(|index| !form.is_typed(*index)) {
        form.put(index, CLASS);
        say(format!("{setting} is {CLASS}, the class of what is added first"));
    }
}
