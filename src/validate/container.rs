//! What Mesos refuses of commands, their environment, and containers.

use super::{Checked, refuse, unless};
use crate::proto::mesos::v1::environment::{Variable, variable};
use crate::proto::mesos::v1::volume::source;
use crate::proto::mesos::v1::{CommandInfo, ContainerInfo, Secret, Volume, container_info, secret};

/// Only its environment is looked at, as by Mesos.
pub(super) fn command(command: &CommandInfo) -> Checked {
    let mut variables = command.environment.iter().flat_map(|environment| &environment.variables);
    variables.try_for_each(environment)
}

fn environment(variable: &Variable) -> Checked {
    use variable::Type;
    let name = &variable.name;
    let must = |kind: &str, what: &str| {
        Err(format!("Environment variable '{name}' of type '{kind}' must {what} set"))
    };
    match variable.r#type() {
        Type::Value if variable.value.is_none() => must("VALUE", "have a value"),
        Type::Value if variable.secret.is_some() => must("VALUE", "not have a secret"),
        Type::Value => Ok(()),
        Type::Secret if variable.value.is_some() && variable.secret.is_some() => {
            must("SECRET", "not have a value")
        }
        Type::Secret => {
            let Some(secret) = &variable.secret else { return must("SECRET", "have a secret") };
            self::secret(secret).map_err(|words| {
                format!("Environment variable '{name}' specifies an invalid secret: {words}")
            })?;
            let zero = secret.value.as_ref().is_some_and(|value| value.data.contains(&0));
            if zero {
                return Err(format!(
                    "Environment variable '{name}' specifies a secret containing null bytes, which is not allowed \
                     in the environment"
                ));
            }
            Ok(())
        }
        Type::Unknown => refuse("Environment variable of type 'UNKNOWN' is not allowed"),
    }
}

fn secret(secret: &Secret) -> Checked {
    match secret.r#type() {
        secret::Type::Reference => match &secret.reference {
            None => refuse("Secret of type REFERENCE must have the 'reference' field set"),
            Some(reference) if secret.value.is_some() => Err(format!(
                "Secret '{}' of type REFERENCE must not have the 'value' field set",
                reference.name
            )),
            Some(_) => Ok(()),
        },
        secret::Type::Value if secret.value.is_none() => {
            refuse("Secret of type VALUE must have the 'value' field set")
        }
        secret::Type::Value => {
            unless(secret.reference.is_some(), "Secret of type VALUE must not have the 'reference' field set")
        }
        secret::Type::Unknown => Ok(()),
    }
}

/// `ContainerInfo` of a task or an executor.
pub(super) fn container(container: &ContainerInfo) -> Checked {
    let mut volumes = container.volumes.iter();
    volumes.try_for_each(volume).map_err(|words| format!("Invalid volume: {words}"))?;
    if container.r#type() != container_info::Type::Docker {
        return Ok(());
    }
    let Some(docker) = &container.docker else {
        return refuse("DockerInfo 'docker' is not set for DOCKER typed ContainerInfo");
    };
    let named = docker.parameters.iter().any(|parameter| parameter.key == "name");
    unless(named, "Parameter in DockerInfo must not be 'name'")
}

fn volume(volume: &Volume) -> Checked {
    use source::Type;
    let set = [volume.host_path.is_some(), volume.image.is_some(), volume.source.is_some()];
    if set.iter().filter(|set| **set).count() != 1 {
        return refuse("Only one of them should be set: 'host_path', 'image' and 'source'");
    }
    let Some(source) = &volume.source else { return Ok(()) };
    match source.r#type() {
        Type::DockerVolume => unless(
            source.docker_volume.is_none(),
            "'source.docker_volume' is not set for DOCKER_VOLUME volume",
        ),
        Type::HostPath => {
            unless(source.host_path.is_none(), "'source.host_path' is not set for HOST_PATH volume")
        }
        Type::SandboxPath => {
            unless(source.sandbox_path.is_none(), "'source.sandbox_path' is not set for SANDBOX_PATH volume")
        }
        Type::Secret => unless(source.secret.is_none(), "'source.secret' is not set for SECRET volume"),
        Type::CsiVolume => match &source.csi_volume {
            None => refuse("'source.csi_volume' is not set for CSI volume"),
            Some(csi) => unless(
                csi.static_provisioning.is_none(),
                "'source.csi_volume.static_provisioning' is not set for CSI volume",
            ),
        },
        Type::Unknown => refuse("'source.type' is unknown"),
    }
}

/// `ContainerInfo.linux_info.share_cgroups`, if it is said.
pub(super) fn share_cgroups(container: Option<&ContainerInfo>) -> Option<bool> {
    container?.linux_info.as_ref()?.share_cgroups
}
