//! What always holds of an allocator, whatever happens to it: random histories.

use super::*;
use crate::local::resources::parse;
use fastrand::Rng;
use std::collections::BTreeSet;

const ROLES: [&str; 4] = ["a", "a/b", "c", "d"];

struct Chance(Rng);

impl Entropy for Chance {
    fn uuid(&mut self) -> [u8; 16] {
        self.0.u128(..).to_be_bytes()
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0.usize(..bound)
    }
}

/// An allocator in the middle of things.
struct History {
    rng: Rng,
    now: Time,
    allocator: Allocator,
}

impl History {
    fn new(seed: u64) -> Self {
        let (mut rng, mut allocator) = (Rng::with_seed(seed), Allocator::default());
        let now = Duration::from_secs(1000);
        for agent in ["x", "y", "z"] {
            let total =
                format!("cpus:{};mem:{};ports:[1-9];cpus(a):2;mem(c):64", rng.u32(1..9), rng.u32(32..999));
            allocator.add_agent(now, agent, parse(&total).unwrap(), Traits::default());
        }
        let mut history = Self { rng, now, allocator };
        (0..4).for_each(|_| history.subscribe());
        history
    }

    fn choose<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.rng.usize(..all.len())]
    }

    fn subscribe(&mut self) {
        let id = self.choose(&["1", "2", "3"]);
        let chosen = |rng: &mut Rng, odds: u8| {
            let roles = ROLES.iter().filter(|_| rng.u8(..10) < odds);
            roles.map(|role| (*role).to_owned()).collect::<BTreeSet<_>>()
        };
        let roles = chosen(&mut self.rng, 5);
        let suppressed = chosen(&mut self.rng, 1).intersection(&roles).cloned().collect();
        let wishes = Wishes { roles, suppressed, refines: true, ..Wishes::default() };
        self.allocator.update_framework(self.now, id, wishes);
        self.allocator.set_active(self.now, id, self.rng.u8(..10) > 0);
    }

    fn recover(&mut self) {
        let held: Vec<_> =
            self.allocator.allocated.iter().map(|(key, held)| (key.clone(), held.clone())).collect();
        let Some(((framework, role, agent), mut held)) = self.rng.choice(held) else { return };
        if self.rng.bool() {
            held.subtract(&parse("cpus:1;mem:100").unwrap());
        }
        let refuse = self.rng.bool().then(|| Duration::from_millis(self.rng.u64(..300)));
        self.allocator.recover(self.now, (&framework, &role, &agent), &held, refuse);
    }

    /// An agent is lost, and returns with what a framework has there.
    fn come_back(&mut self, agent: &str, framework: &str) {
        let total = self.allocator.agents[agent].total.clone();
        self.allocator.remove_agent(agent);
        self.allocator.add_agent(self.now, agent, total, Traits::default());
        if self.allocator.frameworks.contains_key(framework) {
            self.allocator.occupy((framework, "c", agent), &parse("mem:32").unwrap());
        }
    }

    fn happen(&mut self) {
        let agent = self.choose(&["x", "y", "z"]);
        let framework = self.choose(&["1", "2", "3"]);
        match self.rng.u8(..13) {
            0 => self.subscribe(),
            1 => self.allocator.remove_framework(self.now, framework),
            2 => {
                let active = self.rng.u8(..3) > 0;
                self.allocator.set_agent_active(self.now, agent, active);
            }
            3 => self.allocator.revive(self.now, framework, &[]),
            4 => {
                self.allocator.set_weight(self.rng.choice(ROLES).unwrap_or("a"), f64::from(self.rng.u8(1..5)))
            }
            5 => self.come_back(agent, framework),
            _ => self.recover(),
        }
        self.now += Duration::from_millis(self.rng.u64(..80));
        self.allocator.allocate(self.now, &mut Chance(self.rng.fork()));
    }

    /// Everything is somewhere, once.
    fn check_sums(&self) {
        for (id, agent) in &self.allocator.agents {
            let mut sum = agent.free.clone();
            let here = self.allocator.allocated.iter().filter(|((_, _, place), _)| place == id);
            here.for_each(|(_, held)| sum.add(held));
            assert_eq!(sum, agent.total, "on {id}");
        }
        self.check_shares();
    }

    /// What is shared is what there is, and a share is what its owner has.
    fn check_shares(&self) {
        let (totals, trees, clients) = self.allocator.sorter.counted();
        let mut all = Amounts::new();
        self.allocator.agents.values().for_each(|agent| sum(&mut all, &agent.total, 1));
        assert_eq!(totals, all);
        let held = |meant: &dyn Fn(&str, &str) -> bool| {
            let mut amounts = Amounts::new();
            let own = self.allocator.allocated.iter().filter(|((id, role, _), _)| meant(id, role));
            own.for_each(|(_, held)| sum(&mut amounts, held, 1));
            amounts
        };
        let some = |mut amounts: Amounts| {
            amounts.retain(|_, amount| *amount != 0);
            amounts
        };
        for (tree, amounts) in trees {
            let expected = held(&|_, role| role == tree || is_below(role, &tree));
            assert_eq!(some(amounts), expected, "in {tree}");
        }
        for ((own, framework), amounts) in &clients {
            assert!(self.allocator.frameworks.contains_key(framework), "{framework} is forgotten");
            let expected = held(&|id, role| id == framework && role == own);
            assert_eq!(some(amounts.clone()), expected, "{framework} in {own}");
        }
        for (framework, role, _) in self.allocator.allocated.keys() {
            assert!(clients.contains_key(&(role.clone(), framework.clone())), "{framework} in {role}");
        }
    }

    /// What an active agent has is with somebody, if somebody may have it.
    fn check_nothing_waits(&self) {
        for (id, agent) in self.allocator.agents.iter().filter(|(_, agent)| agent.active) {
            for (name, framework) in &self.allocator.frameworks {
                for role in framework.open_roles() {
                    let part = framework.part(role, &agent.free);
                    assert!(
                        !framework.takes(role, id, &part),
                        "{name} in {role} could have {part:?} on {id}"
                    );
                }
            }
        }
    }
}

#[test]
fn nothing_is_given_twice_and_nothing_that_somebody_may_have_stays_free() {
    for seed in 0..200 {
        let mut history = History::new(seed);
        for _ in 0..60 {
            history.happen();
            history.check_sums();
        }
        history.now += INTERVAL;
        history.allocator.allocate(history.now, &mut Chance(Rng::with_seed(seed)));
        history.check_sums();
        history.check_nothing_waits();
    }
}

#[test]
fn limits_hold_and_guarantees_stay_free() {
    for seed in 0..200 {
        let mut history = History::new(seed);
        let amounts = |text: &str| {
            let mut amounts = Amounts::new();
            sum(&mut amounts, &parse(text).unwrap(), 1);
            amounts
        };
        let limits = Quota { limits: amounts("cpus:7;mem:300"), ..Quota::default() };
        let guarantees = Quota { guarantees: amounts("cpus:2"), ..Quota::default() };
        history.allocator.set_quota(history.now, "d", limits.clone());
        history.allocator.set_quota(history.now, "e", guarantees);
        for _ in 0..60 {
            history.happen();
            history.check_sums();
            let reserved = history.allocator.consumed("a")["cpus"];
            assert!(reserved >= 6000, "two on each agent count, used or not: {reserved}");
            let consumed = history.allocator.consumed("d");
            assert!(within(&limits.limits, &consumed), "{consumed:?}");
            let mut free = Amounts::new();
            let agents = history.allocator.agents.values();
            agents.for_each(|agent| sum(&mut free, &agent.free.filter(counts), 1));
            let kept = free.get("cpus").is_some_and(|cpus| *cpus >= 2000);
            assert!(kept, "nobody is in role e, and its guarantee is not free: {free:?}");
        }
    }
}

#[test]
fn agents_come_in_random_order() {
    let first = |seed| {
        let (now, mut allocator) = (Duration::from_secs(1000), Allocator::default());
        for agent in ["x", "y"] {
            allocator.add_agent(now, agent, parse("cpus:1;mem:32").unwrap(), Traits::default());
        }
        for framework in ["1", "2"] {
            let roles = BTreeSet::from(["a".to_owned()]);
            allocator.update_framework(now, framework, Wishes { roles, ..Wishes::default() });
            allocator.set_active(now, framework, true);
        }
        let (given, _) = allocator.allocate(now, &mut Chance(Rng::with_seed(seed)));
        given.into_iter().find(|given| given.framework == "1").unwrap().agent
    };
    let agents: BTreeSet<_> = (0..20).map(first).collect();
    assert_eq!(agents, BTreeSet::from(["x".into(), "y".into()]), "the first framework gets either");
}
