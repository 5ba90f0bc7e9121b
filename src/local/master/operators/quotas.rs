//! How much roles are guaranteed and may have: GET_QUOTA and UPDATE_QUOTA.
//!
//! # Invariants
//! * Only roles at the top have quotas, as in Mesos 1.11.
//! * Nothing is taken from who has it. Offers are taken back, as far as limits and guarantees need it.

use super::super::{Master, Reply};
use crate::local::allocator::{Amounts, Quota, sum, within};
use crate::local::clock::Time;
use crate::proto::mesos::v1::master::call::UpdateQuota;
use crate::proto::mesos::v1::master::response::GetQuota;
use crate::proto::mesos::v1::quota::{QuotaConfig, QuotaInfo, QuotaStatus};
use crate::proto::mesos::v1::{Resource, value};
use crate::wire::resources::role::{self, is_below};
use crate::wire::resources::{number, thousandths};
use std::collections::BTreeMap;

/// The largest amounts: a trillion, or an exabyte in megabytes.
const LARGEST: f64 = 1e12;
const LARGEST_MEGABYTES: f64 = 1_099_511_627_776.0;

type Scalars = BTreeMap<String, value::Scalar>;

impl Master {
    #[expect(deprecated, reason = "older tools look there")]
    pub(super) fn get_quota(&self) -> GetQuota {
        let quotas = self.allocator.quotas();
        let configs = quotas.iter().map(|(role, quota)| QuotaConfig {
            role: role.clone(),
            guarantees: to_scalars(&quota.guarantees),
            limits: to_scalars(&quota.limits),
        });
        let infos = quotas.iter().map(|(role, quota)| QuotaInfo {
            role: Some(role.clone()),
            guarantee: quota.guarantees.iter().map(to_resource).collect(),
            ..QuotaInfo::default()
        });
        let status = QuotaStatus { infos: infos.collect(), configs: configs.collect() };
        GetQuota { status: Box::new(status) }
    }

    pub(super) fn update_quota(&mut self, now: Time, update: &UpdateQuota) -> Reply {
        if let Err(why) = self.check_quotas(update) {
            return Reply::Refused(400, why);
        }
        for config in &update.quota_configs {
            self.allocator.set_quota(now, &config.role, quota(config));
        }
        for config in &update.quota_configs {
            self.rescind_for(now, &config.role, &quota(config));
        }
        Reply::Ok
    }

    fn check_quotas(&self, update: &UpdateQuota) -> Result<(), String> {
        for config in &update.quota_configs {
            if config.role.contains('/') {
                return Err(format!("Updating quota on nested role '{}' is not supported yet", config.role));
            }
            check(config).map_err(|why| format!("Invalid QuotaConfig: {why}"))?;
        }
        if update.force() {
            return Ok(());
        }
        for config in &update.quota_configs {
            let (limits, consumed) = (quota(config).limits, self.consumed_without_offers(&config.role));
            if !within(&limits, &consumed) {
                return Err(format!(
                    "Invalid QuotaConfig: Role '{}' is already consuming '{}'; this is more than the requested \
                     limits '{}' (use 'force' flag to bypass this check)",
                    config.role,
                    text(&consumed),
                    text(&limits)
                ));
            }
        }
        let mut quotas = self.allocator.quotas().clone();
        quotas.extend(update.quota_configs.iter().map(|config| (config.role.clone(), quota(config))));
        let (mut guarantees, mut capacity) = (Amounts::new(), Amounts::new());
        for (name, amount) in quotas.values().flat_map(|quota| &quota.guarantees) {
            *guarantees.entry(name.clone()).or_insert(0) += amount;
        }
        self.agents.values().for_each(|agent| sum(&mut capacity, &agent.resources, 1));
        if guarantees.iter().any(|(name, amount)| capacity.get(name).copied().unwrap_or(0) < *amount) {
            return Err(format!(
                "Invalid QuotaConfig: total quota guarantees '{}' exceed cluster capacity '{}' (use 'force' flag \
                 to bypass this check)",
                text(&guarantees),
                text(&capacity)
            ));
        }
        Ok(())
    }

    fn consumed_without_offers(&self, role: &str) -> Amounts {
        let mut consumed = self.allocator.consumed(role);
        for offer in self.offers.values().filter(|offer| is_within(&offer.role, role)) {
            sum(&mut consumed, &offer.resources.filter(|item| item.kind.role().is_none()), -1);
        }
        consumed.retain(|_, amount| *amount > 0);
        consumed
    }

    /// Takes back offers of the role as long as it is above its limits, and those of others until its guarantees could
    /// be met by that alone.
    fn rescind_for(&mut self, now: Time, role: &str, quota: &Quota) {
        let mut held = self.consumed_without_offers(role);
        let (own, others): (Vec<_>, Vec<_>) =
            self.offers.iter().partition(|(_, offer)| is_within(&offer.role, role));
        own.iter().for_each(|(_, offer)| sum(&mut held, &offer.resources, 1));
        let mut rescinded = Vec::new();
        for (id, offer) in own {
            if within(&quota.limits, &held) {
                break;
            }
            sum(&mut held, &offer.resources, -1);
            rescinded.push(id.clone());
        }
        for (id, offer) in others {
            if quota.guarantees.iter().all(|(name, amount)| held.get(name).copied().unwrap_or(0) >= *amount) {
                break;
            }
            sum(&mut held, &offer.resources, 1);
            rescinded.push(id.clone());
        }
        rescinded.iter().for_each(|id| self.rescind(now, id));
    }
}

fn is_within(role: &str, ancestor: &str) -> bool {
    role == ancestor || is_below(role, ancestor)
}

fn quota(config: &QuotaConfig) -> Quota {
    Quota { guarantees: to_amounts(&config.guarantees), limits: to_amounts(&config.limits) }
}

fn check(config: &QuotaConfig) -> Result<(), String> {
    role::check(&config.role).map_err(|why| format!("Invalid 'QuotaConfig.role': {why}"))?;
    for (field, scalars) in [("guarantees", &config.guarantees), ("limits", &config.limits)] {
        for (name, value::Scalar { value }) in scalars {
            let megabytes = matches!(name.as_str(), "mem" | "disk");
            let (most, words) = if megabytes {
                (LARGEST_MEGABYTES, "1 exabyte (1099511627776)")
            } else {
                (LARGEST, "1 trillion (1000000000000)")
            };
            if *value > most {
                return Err(format!(
                    "Invalid 'QuotaConfig.{field}': {{'{name}': {value}}} is invalid: values greater than {words} are \
                     not supported"
                ));
            }
        }
    }
    for (field, scalars) in [("guarantee", &config.guarantees), ("limit", &config.limits)] {
        for (name, value::Scalar { value }) in scalars {
            let why = match *value {
                value if value.is_infinite() => "Infinite values not supported",
                value if value.is_nan() => "NaN not supported",
                value if value < 0.0 => "Negative values not supported",
                _ => continue,
            };
            return Err(format!("Invalid {field} configuration {{'{name}': {value}}}: {why}"));
        }
    }
    let Quota { guarantees, limits } = quota(config);
    if !within(&limits, &guarantees) {
        return Err(format!(
            "'QuotaConfig.guarantees' {} is not contained within the 'QuotaConfig.limits' {}",
            map(&guarantees),
            map(&limits)
        ));
    }
    Ok(())
}

/// `cpus:1; mem:32`
fn text(amounts: &Amounts) -> String {
    let one = |(name, amount): (&String, &i64)| format!("{name}:{}", number(*amount));
    let all: Vec<String> = amounts.iter().map(one).collect();
    if all.is_empty() { "{}".into() } else { all.join("; ") }
}

/// `{ cpus: 1 }`
fn map(amounts: &Amounts) -> String {
    let one = |(name, amount): (&String, &i64)| format!("{name}: {}", number(*amount));
    format!("{{ {} }}", amounts.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn to_amounts(scalars: &Scalars) -> Amounts {
    scalars.iter().map(|(name, scalar)| (name.clone(), thousandths(scalar.value))).collect()
}

fn to_scalars(amounts: &Amounts) -> Scalars {
    let scalar = |amount: &i64| value::Scalar { value: number(*amount) };
    amounts.iter().map(|(name, amount)| (name.clone(), scalar(amount))).collect()
}

fn to_resource((name, amount): (&String, &i64)) -> Resource {
    let mut resource = Resource { name: name.clone(), ..Resource::default() };
    resource.set_type(value::Type::Scalar);
    resource.scalar = Some(value::Scalar { value: number(*amount) });
    resource
}
