//! UpdateFeatures, key 57, versions 0 to 2 (KIP-584, KIP-778, KIP-1022).
//!
//! Every feature is always at its highest level. To ask for that level is done at once; a lower one is
//! refused (95), also where Kafka would go down. An error of one feature is the error of all.

use super::api_versions::FEATURES;
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::error::{Code, Error, Result};
use crate::protocol::messages::update_features::{
    FeatureUpdateKey, UpdatableFeatureResult, UpdateFeaturesRequest, UpdateFeaturesResponse,
};

const UPGRADE: i8 = 1;
const SAFE_DOWNGRADE: i8 = 2;
const UNSAFE_DOWNGRADE: i8 = 3;

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: UpdateFeaturesRequest<'_> = call.request()?;
    let mut updates = request.feature_updates.iter();
    if let Err(error) = updates.try_for_each(check) {
        let message = format!(
            "the update failed for all features since the following feature had an error: {}",
            error.message()
        );
        return call.ready(&UpdateFeaturesResponse {
            error_code: error.code().number(),
            error_message: Some(message.into()),
            ..UpdateFeaturesResponse::default()
        });
    }
    let updates = request.feature_updates.iter();
    let results = updates.map(|update| UpdatableFeatureResult {
        feature: update.feature.clone(),
        ..UpdatableFeatureResult::default()
    });
    call.ready(&UpdateFeaturesResponse {
        results: results.collect(),
        ..UpdateFeaturesResponse::default()
    })
}

fn check(update: &FeatureUpdateKey<'_>) -> Result<()> {
    let (name, level) = (&update.feature, update.max_version_level);
    let refused = |why: &str| {
        let message = format!("invalid update version {level} for feature {name}: {why}");
        Err(Error::coded(Code::InvalidUpdateVersion, message))
    };
    let kind = match update.allow_downgrade {
        true => SAFE_DOWNGRADE,
        false => update.upgrade_type,
    };
    let Some((_, lowest, highest)) = FEATURES.iter().find(|(known, ..)| *known == *name) else {
        return refused("this broker does not know it");
    };
    if ![UPGRADE, SAFE_DOWNGRADE, UNSAFE_DOWNGRADE].contains(&kind) {
        return refused("this is no upgrade type");
    }
    if !(*lowest..=*highest).contains(&level) {
        return refused(&format!("the levels are {lowest} to {highest}"));
    }
    match level == *highest {
        true => Ok(()),
        false if kind == UPGRADE => refused("this would be a downgrade, without leave for one"),
        false => refused("this broker keeps its features at their highest levels"),
    }
}
