//! What is on the screen as it would be typed in a shell.

use super::{Board, LossSpot, Model, Screen, Wish, describe, kubectl};
use crate::front::form::{cluster_option, quoted};
use crate::front::place::Place;
use crate::front::walk_text::command as walk_command;

impl Model {
    /// The text with the cluster that is looked at, or chosen, in every command that lacks it.
    pub(crate) fn placed(&self, text: &str) -> String {
        self.leads_to().put_into(text)
    }

    /// Where commands on the screen lead.
    pub(crate) fn leads_to(&self) -> Place {
        let Wish { sandbox, kubeconfig, profiles, .. } = &self.wish;
        let looked_at = self.watch.context.as_deref().filter(|_| self.is_at_home() || self.is_in_recovery());
        let context = looked_at.or(self.clusters.chosen()).or(self.wish.context.as_deref());
        Place::of(*sandbox, kubeconfig.as_deref(), context.filter(|_| sandbox.is_none()), profiles)
    }

    /// The command line that does the same.
    pub(crate) fn command_line(&self) -> String {
        let mut words = Vec::new();
        if let Some(order) = self.groundwork.order() {
            words.extend(order.command());
            words.extend(self.cluster_option());
            words.push("&&".to_owned());
        }
        words.push("seaworthy install".to_owned());
        words.extend(self.stack().map(|stack| stack.name().to_owned()));
        words.extend(self.cluster_option());
        words.extend(self.wish.options.iter().cloned());
        words.extend(self.images.origin.options());
        words.extend(self.sheet().into_iter().flat_map(|sheet| sheet.form.options()));
        words.extend(self.review.options());
        self.placed(&words.join(" "))
    }

    /// How the chosen cluster is named on the command line.
    fn cluster_option(&self) -> Option<String> {
        let option = cluster_option(self.wish.sandbox, self.clusters.chosen()?);
        let file = self.wish.kubeconfig.as_ref().map(|file| quoted(&file.display().to_string()));
        Some(file.map_or(option.clone(), |file| format!("--kubeconfig={file} {option}")))
    }

    /// What is under the cursor, as kubectl or a shell would be asked for it.
    pub(crate) fn copied(&self) -> Option<String> {
        let known = if self.is_at_home() || self.is_in_recovery() {
            self.watch.context.as_deref()
        } else {
            self.clusters.chosen()
        };
        let context = known.filter(|_| self.wish.sandbox.is_none());
        let text = match self.screen {
            Screen::Run => {
                let object = self.board.as_ref().and_then(Board::chosen)?.object.as_ref();
                describe(object.filter(|object| object.api_version != "host")?, context)
            }
            Screen::Losses => match self.recovery.spot()? {
                LossSpot::Loss(known) => describe(known.loss.object()?, context),
                LossSpot::Playbook(_, proposal) => proposal.command.clone(),
                LossSpot::Run(run, _) => format!("seaworthy runs resume {run}"),
            },
            Screen::Recovery => self.recovery.wanted.as_ref()?.command(),
            Screen::Report => format!("seaworthy runs report {}", self.recovery.told()?.report.run),
            Screen::Walk => walk_command(&self.walked_step()?, context),
            Screen::Walks => {
                let walked = self.walked()?;
                format!("seaworthy doctor {} -n {} --walk {}", walked.stack, walked.namespace, walked.name)
            }
            Screen::Storage => {
                let chain = self.chain()?;
                let volume = |name: &str| seaworthy::recover::join::volume_ref(name);
                describe(&chain.claim.clone().or_else(|| chain.volume.as_deref().map(volume))?, context)
            }
            // No kubeconfig has the context of a sandbox.
            Screen::Cluster if self.wish.sandbox.is_some() => "seaworthy doctor".to_owned(),
            Screen::Cluster => format!("{} get nodes", kubectl(Some(self.clusters.chosen()?))),
            Screen::Stack => format!("seaworthy stacks show {}", self.stack()?.name()),
            Screen::Settings => {
                let sheet = self.sheet()?;
                sheet.form.option(sheet.setting()?)?
            }
            Screen::Review => self.command_line(),
            Screen::Reach => self.ways.address().or_else(|| self.way_in())?,
            _ => self.entry()?.kubectl(context),
        };
        Some(self.placed(&text))
    }

    /// The command that opens the way that the cursor is on, at any time later.
    pub(crate) fn way_in(&self) -> Option<String> {
        let way = self.ways.all.get(self.ways.cursor)?;
        let installation = &self.review.made()?.plan.installation;
        let cluster = self.cluster_option()?;
        let (stack, namespace, entry) = (&installation.stack, &installation.namespace, &way.name);
        Some(self.placed(&format!("seaworthy open {stack} -n {namespace} --entry {entry} {cluster}")))
    }
}
