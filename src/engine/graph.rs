//! Which steps can begin, given which are done. Pure.

use std::collections::{HashMap, VecDeque};

use crate::plan::Step;

/// The order of a plan's steps.
pub(super) struct Graph {
    /// For each step, how many of its needs are not done.
    missing: Vec<usize>,
    /// For each step, those that need it.
    dependents: Vec<Vec<usize>>,
    ready: VecDeque<usize>,
}

impl Graph {
    /// Reads the needs of the steps. A need that no step of the plan fulfils is met by what is there already.
    pub(super) fn new(steps: &[Step]) -> Self {
        let index: HashMap<&str, usize> = steps.iter().enumerate().map(|(i, step)| (step.id.as_str(), i)).collect();
        let mut dependents = vec![Vec::new(); steps.len()];
        let mut missing = vec![0; steps.len()];
        for (i, step) in steps.iter().enumerate() {
            for need in step.needs.iter().filter_map(|need| index.get(need.as_str())) {
                dependents[*need].push(i);
                missing[i] += 1;
            }
        }
        let ready = (0..steps.len()).filter(|i| missing[*i] == 0).collect();
        Self { missing, dependents, ready }
    }

    /// A step whose needs are all done.
    pub(super) fn next(&mut self) -> Option<usize> {
        self.ready.pop_front()
    }

    /// Puts a step back that could not begin yet.
    pub(super) fn put_back(&mut self, step: usize) {
        self.ready.push_front(step);
    }

    /// Marks a step as done, which may make others ready.
    pub(super) fn done(&mut self, step: usize) {
        for dependent in self.dependents[step].clone() {
            self.missing[dependent] -= 1;
            if self.missing[dependent] == 0 {
                self.ready.push_back(dependent);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::ObjectRef;
    use crate::plan::{Action, Change};

    fn step(id: &str, needs: &[&str]) -> Step {
        Step {
            id: id.to_owned(),
            title: id.to_owned(),
            component: None,
            needs: needs.iter().map(|need| (*need).to_owned()).collect(),
            action: Action::Await { object: ObjectRef::new("v1", "Pod", None, id) },
            change: Change::Observe,
        }
    }

    #[test]
    fn a_step_begins_when_all_it_needs_is_done() {
        let steps = [step("c", &["a", "b"]), step("a", &[]), step("b", &["a", "not-in-the-plan"])];
        let mut graph = Graph::new(&steps);
        let mut order = Vec::new();
        while let Some(i) = graph.next() {
            order.push(steps[i].id.as_str());
            graph.done(i);
        }
        assert_eq!(order, ["a", "b", "c"]);
    }

    #[test]
    fn steps_that_need_each_other_never_begin() {
        let steps = [step("a", &["b"]), step("b", &["a"])];
        assert!(Graph::new(&steps).next().is_none());
    }
}
