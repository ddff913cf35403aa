/**
 * Observations for the tests of alerts: one healthy registration, and what can be wrong with it.
 */
import type { UnixSeconds } from '../../../src/ports/clock.js'
import type {
  MachineProxyObservation,
  RegistrationObservation,
} from '../../../src/registry/observation.js'
import type {
  LastFailure,
  Registration,
  RegistrationState,
} from '../../../src/registry/registration.js'
import { days, HOUR, hours } from '../../support/time.js'

export const FILE_NAME = '+2fDC+3dch+2fCN+3dalicesgm+2fCN+3dproxy'

export const registration: Registration = {
  fileName: FILE_NAME,
  identity: '/DC=ch/DC=cern/OU=Users/CN=alicesgm/CN=123456',
  identityDer: 'MAAA',
  servers: ['px.example.org'],
  lifetimeSeconds: 48 * HOUR,
  refreshSeconds: 3600,
  proxySafeSeconds: 3600,
  myproxySafeSeconds: 864_000,
  email: 'alice@example.org',
  voms: [],
  allowLimited: false,
  allowPartial: false,
  registeredAt: hours(0),
  updatedAt: hours(0),
}

/** At 100 h: 48 h of proxy and 20 days of stored credential left, renewed just now. */
export const AT = hours(100)
export const healthyState: RegistrationState = {
  failures: 0,
  attemptedAt: AT,
  renewedAt: AT,
  renewedFrom: 'px.example.org:7512',
  storedEnd: { at: days(24), learnedAt: AT, from: 'info' },
}

/** Nothing is renewed, and it is not the user's to cure. */
export const withoutMachineProxy: Partial<RegistrationState> = {
  failures: 1,
  lastFailure: {
    at: AT,
    code: 'MACHINE_PROXY_EXPIRED',
    message: 'the machine proxy has expired',
    persistence: 'permanent',
  },
}

export interface Changes {
  at?: UnixSeconds
  registration?: Partial<Registration>
  state?: Partial<RegistrationState>
  /** null: the file cannot be read. */
  proxyEnd?: UnixSeconds | null
  chainEnd?: UnixSeconds
  lacksAttributes?: boolean
}

export function observed(changes: Changes = {}): RegistrationObservation {
  const { proxyEnd = hours(148), chainEnd, lacksAttributes } = changes
  return {
    about: 'registration',
    at: changes.at ?? AT,
    registration: { ...registration, ...changes.registration },
    state: { ...healthyState, ...changes.state },
    file: `/var/lib/vobox/alice/proxy_repository/${FILE_NAME}`,
    ...(proxyEnd !== null && { proxyEnd }),
    ...(chainEnd !== undefined && { chainEnd }),
    ...(lacksAttributes !== undefined && { lacksAttributes }),
  }
}

export function machine(changes: Partial<MachineProxyObservation> = {}): MachineProxyObservation {
  return {
    about: 'machine-proxy',
    at: AT,
    file: '/var/lib/vobox/alice/renewal-proxy.pem',
    ...changes,
  }
}

export function failure(code: string, changes: Partial<LastFailure> = {}): LastFailure {
  return { at: AT, code, message: `it failed with ${code}`, persistence: 'permanent', ...changes }
}
