/**
 * What the service sees each time it looks at something it keeps alive. `renewal` makes them,
 * `alerts` turns them into mail; neither knows the other.
 */
import type { UnixSeconds } from '../ports/clock.js'
import { isJobFile } from './job-file-name.js'
import type { Registration, RegistrationState } from './registration.js'

export interface RegistrationObservation {
  about: 'registration'
  at: UnixSeconds
  registration: Registration
  state: RegistrationState
  /** Full path of the proxy file. */
  file: string
  /** Effective end of the proxy in the file; absent when it cannot be read. */
  proxyEnd?: UnixSeconds
  /** End of its chain alone; until then it can be renewed. Absent: as `proxyEnd`. */
  chainEnd?: UnixSeconds
  /** End of the first of its attribute certificates; absent: it carries none that can be read. */
  attributesEnd?: UnixSeconds
  /** It was registered with attributes, and carries none at all; default false. */
  lacksAttributes?: boolean
}

export interface MachineProxyObservation {
  about: 'machine-proxy'
  at: UnixSeconds
  file: string
  /** Its effective end; absent when it is missing or unusable, then `problem` says why. */
  end?: UnixSeconds
  problem?: string
}

/** Anything else that a person must hear about: a registry set aside, a CRL about to expire. */
export interface ServiceObservation {
  about: 'service'
  at: UnixSeconds
  /** Stable name of the condition, e.g. `registry-damaged`, `crl-expiring:<CA>`. */
  condition: string
  /** One sentence; absent: the condition has ended. */
  problem?: string
  cure?: string
}

export type Observation = RegistrationObservation | MachineProxyObservation | ServiceObservation

/** Takes observations. Never throws: an alert that cannot be sent is spooled. */
export interface ObservationSink {
  observe(observation: Observation): Promise<void>
  /** The registration is gone: its alerts are forgotten without a mail. */
  forget(fileName: string): Promise<void>
}

/** Whether it is about a proxy that jobs share. */
export function isOfJobs(observation: Observation): boolean {
  return observation.about === 'registration' && isJobFile(observation.registration.fileName)
}
