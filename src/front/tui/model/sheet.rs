//! The form of the settings: which lines it has, and where the cursor is.

use std::collections::{BTreeMap, BTreeSet};

use super::Line;
use crate::front::form::Form;

/// One line of the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Spot {
    /// A heading.
    Title(&'static str),
    /// A setting, by its number.
    Setting(usize),
    /// A group of settings, by the first part of their path.
    Group(String),
    /// On to the plan.
    GoOn,
}

/// The settings of one stack.
#[derive(Clone)]
pub(crate) struct Sheet {
    pub(crate) form: Form,
    pub(crate) cursor: usize,
    open: BTreeSet<String>,
    pub(crate) advanced: bool,
    /// The setting that is being typed, and what there is of it.
    pub(crate) editing: Option<(usize, Line)>,
    /// The setting as it was before.
    before: Option<String>,
    /// Required ones stay where they are once they are answered.
    required: Vec<usize>,
}

impl Sheet {
    pub(crate) fn new(form: Form) -> Self {
        let numbered = form.settings().iter().enumerate();
        let required = numbered.filter(|(_, setting)| setting.required).map(|(index, _)| index).collect();
        let mut sheet =
            Self { form, cursor: 0, open: BTreeSet::new(), advanced: false, editing: None, before: None, required };
        sheet.cursor = usize::from(!sheet.required.is_empty());
        sheet
    }

    /// The lines: what is required, on to the plan, and the rest by group.
    pub(crate) fn spots(&self) -> Vec<Spot> {
        let mut spots = Vec::new();
        if !self.required.is_empty() {
            spots.push(Spot::Title("Required"));
            spots.extend(self.required.iter().map(|index| Spot::Setting(*index)));
        }
        spots.push(Spot::GoOn);
        spots.push(Spot::Title("Has a default"));
        for (group, members) in self.groups() {
            if let [only] = members.as_slice()
                && self.form.settings()[*only].path == group
            {
                spots.push(Spot::Setting(*only));
                continue;
            }
            let open = self.open.contains(&group);
            spots.push(Spot::Group(group));
            spots.extend(members.into_iter().filter(|_| open).map(Spot::Setting));
        }
        spots
    }

    /// The settings that are not required, by group, in the order of the schema.
    fn groups(&self) -> Vec<(String, Vec<usize>)> {
        let mut order: Vec<(String, Vec<usize>)> = Vec::new();
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        for (index, setting) in self.form.settings().iter().enumerate() {
            let hidden = setting.advanced && !self.advanced && !self.form.is_typed(index);
            if self.required.contains(&index) || (hidden && self.form.faults_of(index).next().is_none()) {
                continue;
            }
            let group = group_of(&setting.path).to_owned();
            let position = *known.entry(group.clone()).or_insert_with(|| {
                order.push((group, Vec::new()));
                order.len() - 1
            });
            order[position].1.push(index);
        }
        order
    }

    pub(crate) fn is_open(&self, group: &str) -> bool {
        self.open.contains(group)
    }

    /// How many settings a group shows, and how many of them were typed or are wrong.
    pub(crate) fn counts(&self, group: &str) -> (usize, usize, usize) {
        let members = self.groups().into_iter().find(|(name, _)| name == group).map(|(_, members)| members);
        let members = members.unwrap_or_default();
        let typed = members.iter().filter(|index| self.form.is_typed(**index)).count();
        let wrong = members.iter().filter(|index| self.form.faults_of(**index).next().is_some()).count();
        (members.len(), typed, wrong)
    }

    pub(crate) fn spot(&self) -> Option<Spot> {
        self.spots().get(self.cursor).cloned()
    }

    /// The setting that the cursor is on.
    pub(crate) fn setting(&self) -> Option<usize> {
        match self.spot() {
            Some(Spot::Setting(index)) => Some(index),
            _ => None,
        }
    }

    /// Moves the cursor, over headings.
    pub(crate) fn go(&mut self, by: isize) {
        let spots = self.spots();
        let last = spots.len().saturating_sub(1);
        let mut at = self.cursor.saturating_add_signed(by).min(last);
        let step = if by < 0 { -1 } else { 1 };
        while matches!(spots.get(at), Some(Spot::Title(_))) {
            let next = at.saturating_add_signed(step).min(last);
            if next == at {
                // The first line is a heading: stay below it.
                at += 1;
                break;
            }
            at = next;
        }
        self.cursor = at.min(last);
    }

    /// Moves the cursor to a setting, and opens its group.
    pub(crate) fn go_to(&mut self, index: usize) {
        if !self.required.contains(&index) {
            self.open.insert(group_of(&self.form.settings()[index].path).to_owned());
        }
        if let Some(position) = self.spots().iter().position(|spot| *spot == Spot::Setting(index)) {
            self.cursor = position;
        }
    }

    pub(crate) fn fold(&mut self, group: &str) {
        if !self.open.remove(group) {
            self.open.insert(group.to_owned());
        }
    }

    /// The lines change; the cursor stays on what it was on, where that is still there.
    pub(crate) fn show_advanced(&mut self) {
        let before = self.spot();
        self.advanced = !self.advanced;
        let spots = self.spots();
        let same = spots.iter().position(|spot| Some(spot) == before.as_ref());
        self.cursor = same.unwrap_or(self.cursor.min(spots.len().saturating_sub(1)));
    }

    /// Begins to type a setting.
    pub(crate) fn edit(&mut self, index: usize) {
        self.before = self.form.typed(index);
        self.editing = Some((index, Line::new(&self.form.editable(index))));
    }

    /// The form is told of every character, so that it can say at once what is wrong.
    pub(crate) fn typed(&mut self) {
        if let Some((index, line)) = &self.editing {
            self.form.put(*index, &line.text());
        }
    }

    /// Ends typing; what was typed stays.
    pub(crate) fn take(&mut self) {
        // A secret that was only looked at is not emptied.
        if self
            .editing
            .as_ref()
            .is_some_and(|(index, line)| self.form.settings()[*index].secret && line.text().is_empty())
        {
            return self.give_up();
        }
        self.editing = None;
    }

    /// Ends typing; all is as it was before.
    pub(crate) fn give_up(&mut self) {
        if let Some((index, _)) = self.editing.take() {
            match self.before.take() {
                Some(before) => self.form.put(index, &before),
                None => self.form.undo(index),
            }
        }
    }
}

fn group_of(path: &str) -> &str {
    path.split('.').next().unwrap_or(path)
}
