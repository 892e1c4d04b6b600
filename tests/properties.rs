//! What holds for every plan, tried on many small ones; and in `pool` for every address pool.

mod pool;

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use seaworthy::engine::Limits;
use seaworthy::event::Ended;
use seaworthy::object::ObjectRef;
use seaworthy::plan::install::Desired;
use seaworthy::plan::{Action, Plan};
use serde_json::{Value, json};

use crate::engine::fake::{Fake, Fate};
use crate::engine::harbour::{SEA, Voyage, claim, config, deployment, installed, reference};

/// A small wish: config maps with values, claims, and Deployments in components, one after the other or not.
#[derive(Debug, Clone)]
struct Wish {
    configs: BTreeMap<usize, u8>,
    claims: Vec<usize>,
    /// Number of replicas, the config maps it mounts (as far as they are wished for), and whether it waits for the one before.
    deployments: BTreeMap<usize, (u8, Vec<usize>, bool)>,
}

fn wish() -> impl Strategy<Value = Wish> {
    let configs = prop::collection::btree_map(0..5_usize, 0..3_u8, 0..5);
    let claims = prop::sample::subsequence(vec![0_usize, 1], 0..=2);
    let mounts = prop::sample::subsequence(vec![0_usize, 1, 2, 3, 4], 0..=3);
    let deployments = prop::collection::btree_map(0..3_usize, (0..3_u8, mounts, any::<bool>()), 0..3);
    (configs, claims, deployments).prop_map(|(configs, claims, deployments)| Wish { configs, claims, deployments })
}

impl Wish {
    fn desired(&self, inventory: Vec<ObjectRef>) -> Desired {
        let mut wanted = Desired { inventory, ..Desired::default() };
        let mut earlier: Option<String> = None;
        for (number, (replicas, mounts, waits)) in &self.deployments {
            let mounts: Vec<String> = mounts
                .iter()
                .filter(|mount| self.configs.contains_key(mount))
                .map(|mount| format!("c{mount}"))
                .collect();
            let mut object = deployment(&format!("d{number}"), &mounts.iter().map(String::as_str).collect::<Vec<_>>());
            object["spec"]["replicas"] = (*replicas).into();
            let component = format!("part{number}");
            if let Some(earlier) = earlier.replace(component.clone()).filter(|_| *waits) {
                wanted.after.insert(component.clone(), vec![earlier]);
            }
            wanted.objects.push((Some(component), object));
        }
        let configs = self.configs.iter().map(|(number, value)| config(&format!("c{number}"), &value.to_string()));
        let claims = self.claims.iter().map(|number| claim(&format!("v{number}")));
        wanted.objects.extend(configs.chain(claims).map(|object| (None, object)));
        wanted
    }

    fn references(&self) -> Vec<ObjectRef> {
        self.desired(Vec::new()).objects.iter().map(|(_, object)| reference(object)).collect()
    }
}

/// What is in the namespace: every object by what it is, with what was wished of it.
fn sea(fake: &Fake) -> BTreeMap<String, Value> {
    let ours = fake.state().into_iter().filter(|object| object["metadata"]["namespace"] == SEA);
    ours.map(|object| (reference(&object).to_string(), json!([object["spec"], object["data"]]))).collect()
}

fn expected(wish: &Wish, before: &Wish) -> BTreeMap<String, Value> {
    let objects = wish.desired(Vec::new()).objects.into_iter().map(|(_, object)| object);
    let kept = before.claims.iter().map(|number| claim(&format!("v{number}")));
    let entry = |object: Value| (reference(&object).to_string(), json!([object["spec"], object["data"]]));
    kept.chain(objects).map(entry).collect()
}

fn sail<T>(voyage: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(voyage)
}

/// No Deployment is written before what it mounts.
fn order_is_kept(plan: &Plan, writes: &[String]) -> bool {
    let place =
        |plural: &str, name: &str| writes.iter().position(|write| write.ends_with(&format!("/{plural}/{name}")));
    let deployments = plan.objects().filter(|object| object["kind"] == "Deployment");
    deployments.into_iter().all(|object| {
        let own = place("deployments", object["metadata"]["name"].as_str().unwrap());
        let volumes = seaworthy::object::items(object, "/spec/template/spec/volumes");
        let mounted = volumes.filter_map(|volume| place("configmaps", volume["name"].as_str().unwrap()));
        mounted.into_iter().all(|config| own.is_none_or(|own| config < own))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_wish_comes_true_and_twice_is_once(wish in wish()) {
        sail(async {
            let fake = Fake::new();
            let voyage = Voyage::new(&fake);
            let prepared = voyage.prepare(wish.desired(Vec::new())).await;
            let plan = prepared.plan.clone();
            voyage.run(prepared, None).await.went_well();
            prop_assert!(order_is_kept(&plan, &fake.writes()), "{:#?}", fake.writes());
            prop_assert_eq!(sea(&fake), expected(&wish, &wish));
            let before = fake.writes().len();
            installed(&fake, wish.desired(wish.references())).await;
            prop_assert_eq!(fake.writes().len(), before);
            Ok(())
        })?;
    }

    #[test]
    fn from_any_wish_to_any_other(first in wish(), second in wish()) {
        sail(async {
            let fake = Fake::new();
            installed(&fake, first.desired(Vec::new())).await;
            installed(&fake, second.desired(first.references())).await;
            prop_assert_eq!(sea(&fake), expected(&second, &first));
            let before = fake.writes().len();
            installed(&fake, second.desired(first.references())).await;
            prop_assert_eq!(fake.writes().len(), before);
            Ok(())
        })?;
    }

    #[test]
    fn wherever_it_breaks_off_the_next_run_ends_the_same(
        first in wish(), second in wish(), place in any::<prop::sample::Index>(), answer_lost in any::<bool>()
    ) {
        sail(async {
            let quiet = Fake::new();
            installed(&quiet, first.desired(Vec::new())).await;
            let before = quiet.writes().len();
            installed(&quiet, second.desired(first.references())).await;
            let writes = quiet.writes().len() - before;

            let fake = Fake::new();
            installed(&fake, first.desired(Vec::new())).await;
            let last = before + place.index(writes + 1);
            fake.rule(move |call| match call.write {
                Some(write) if write == last && answer_lost => Fate::AnswerLost,
                Some(write) if write >= last => Fate::Lost,
                _ => Fate::Answered,
            });
            let mut voyage = Voyage::new(&fake);
            voyage.limits = Limits { api_away: Duration::ZERO, ..voyage.limits };
            let run = voyage.install(second.desired(first.references())).await;
            prop_assert_eq!(run.outcome.ended == Ended::Done, last >= before + writes);
            fake.rule(|_| Fate::Answered);
            installed(&fake, second.desired(first.references())).await;
            prop_assert_eq!(fake.state(), quiet.state());
            Ok(())
        })?;
    }

    #[test]
    fn a_plan_is_the_same_when_it_is_read_back(wish in wish()) {
        sail(async {
            let plan = Voyage::new(&Fake::new()).prepare(wish.desired(Vec::new())).await.plan;
            let text = serde_json::to_string(&plan).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Plan>(&text).unwrap(), &plan);
            // Ids are names: no two steps share one, and what is needed comes before.
            for (index, step) in plan.steps.iter().enumerate() {
                prop_assert!(plan.steps[..index].iter().all(|earlier| earlier.id != step.id));
                let is_apply = matches!(step.action, Action::Apply { .. });
                prop_assert_eq!(is_apply, step.id.starts_with("apply:"));
            }
            Ok(())
        })?;
    }
}
