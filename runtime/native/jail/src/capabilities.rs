//! No rights of the superuser, now or by anything that is executed; and the end of the process with that of its parent.

use crate::report::{Failure, Layer, OrFailure};
use rustix::process::{Signal, set_parent_process_death_signal};
use rustix::thread::{
    CapabilitiesSecureBits, CapabilitySet, CapabilitySets, clear_ambient_capability_set, remove_capability_from_bounding_set,
    set_capabilities, set_capabilities_secure_bits, set_no_new_privs,
};

const LAYER: Layer = Layer::Capabilities;

pub fn drop_all() -> Result<(), Failure> {
    // Both need a capability that an ordinary user without a user namespace does not have; there is nothing to drop then, either.
    for capability in CapabilitySet::all().iter() {
        let _ = remove_capability_from_bounding_set(capability);
    }
    let _ = set_capabilities_secure_bits(
        CapabilitiesSecureBits::NO_ROOT
            | CapabilitiesSecureBits::NO_ROOT_LOCKED
            | CapabilitiesSecureBits::NO_SETUID_FIXUP
            | CapabilitiesSecureBits::NO_SETUID_FIXUP_LOCKED
            | CapabilitiesSecureBits::KEEP_CAPS_LOCKED
            | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE
            | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE_LOCKED,
    );
    clear_ambient_capability_set().or_failure(LAYER, "ambient set")?;
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none }).or_failure(LAYER, "capset")?;
    // After that, since a change of credentials takes it back.
    set_parent_process_death_signal(Some(Signal::KILL)).or_failure(LAYER, "parent death signal")?;
    set_no_new_privs(true).or_failure(LAYER, "no new privileges")
}
