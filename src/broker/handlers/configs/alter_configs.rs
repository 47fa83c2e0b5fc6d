//! AlterConfigs, key 33, versions 0 to 2 (KIP-133).
//!
//! All that is set on a resource is replaced: what the request does not name goes back to its default.
//! Of a broker only what was set while it ran is replaced.

use super::alter::{self, TWICE};
use crate::broker::answer::Answer;
use crate::broker::call::Call;
use crate::broker::handlers::once::{self, once};
use crate::engine::Alteration;
use crate::error::Result;
use crate::protocol::messages::alter_configs::{
    AlterConfigsRequest, AlterConfigsResource, AlterConfigsResourceResponse, AlterConfigsResponse,
};

pub(in crate::broker::handlers) fn serve(call: &Call<'_>) -> Result<Answer> {
    let request: AlterConfigsRequest<'_> = call.request()?;
    let all = once(&request.resources, |r| (r.resource_type, &*r.resource_name));
    let responses = all.map(|(wanted, twice)| {
        let outcome =
            once::check(twice, TWICE).and_then(|()| replace(call, wanted, request.validate_only));
        let error = outcome.err();
        AlterConfigsResourceResponse {
            error_code: error.as_ref().map_or(0, |e| e.code().number()),
            error_message: error.map(|e| e.message().to_owned().into()),
            resource_type: wanted.resource_type,
            resource_name: wanted.resource_name.clone(),
        }
    });
    call.ready(&AlterConfigsResponse {
        responses: responses.collect(),
        ..AlterConfigsResponse::default()
    })
}

fn replace(call: &Call<'_>, wanted: &AlterConfigsResource<'_>, validate_only: bool) -> Result<()> {
    alter::check_distinct(wanted.configs.iter().map(|c| &*c.name))?;
    let settings = wanted.configs.iter().map(|config| {
        let value = alter::value_of(&config.name, config.value.as_deref())?;
        Ok((config.name.to_string(), value))
    });
    let how = Alteration::Whole(settings.collect::<Result<_>>()?);
    let (kind, name) = (wanted.resource_type, &wanted.resource_name);
    alter::alter(call.engine(), kind, name, &how, validate_only)
}
