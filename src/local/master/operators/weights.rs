//! How much roles weigh: GET_WEIGHTS and UPDATE_WEIGHTS.

use super::super::offers::Tell;
use super::super::{Master, Reply};
use crate::local::clock::Time;
use crate::proto::mesos::v1::WeightInfo;
use crate::proto::mesos::v1::master::call::UpdateWeights;
use crate::proto::mesos::v1::master::response::GetWeights;
use crate::validate;
use crate::wire::resources::role;

impl Master {
    pub(super) fn get_weights(&self) -> GetWeights {
        let weights = self.allocator.weights().iter();
        let info = |(role, weight): (&String, &f64)| WeightInfo { role: Some(role.clone()), weight: *weight };
        GetWeights { weight_infos: weights.map(info).collect() }
    }

    /// Offers are taken back if a role has frameworks: they are made again as the weights are now.
    pub(super) fn update_weights(&mut self, now: Time, update: UpdateWeights) -> Reply {
        if let Err(why) = update.weight_infos.iter().try_for_each(check) {
            return Reply::Refused(400, format!("Failed to validate update weights request JSON{why}"));
        }
        let mut matters = false;
        for info in &update.weight_infos {
            let role = info.role().trim();
            self.allocator.set_weight(role, info.weight);
            matters |= self.frameworks.values().any(|this| validate::roles(&this.info).contains(role));
        }
        if matters {
            self.take_offers_back(now, Tell::Rescind, |_| true);
        }
        Reply::Ok
    }
}

fn check(info: &WeightInfo) -> Result<(), String> {
    let role = info.role().trim();
    role::check(role).map_err(|why| format!(": Invalid role '{role}': {why}"))?;
    if info.weight.is_nan() || info.weight <= 0.0 {
        let weight = info.weight;
        return Err(format!(" for role '{role}': Invalid weight '{weight}': Weights must be positive"));
    }
    Ok(())
}
