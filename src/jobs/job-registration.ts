/** A job proxy as the renewal sees it: a registration like any other, only that no admin made it. */
import type { Config } from '../config/config.js'
import type { Registration } from '../registry/registration.js'
import type { JobProxy } from './job-proxy.js'

/** What all job proxies have in common; from the configuration. */
export interface JobRenewalSettings {
  /** Asked of the MyProxy server, in seconds. */
  lifetimeSeconds: number
  /** Renewal begins when this much is left at the latest, in seconds (`-c` of the C daemon). */
  condorLimitSeconds: number
  /** Mail when the proxy, or what is stored, has less than this left, in seconds. */
  proxySafeSeconds: number
  myproxySafeSeconds: number
  /** Where mail about job proxies goes; null: nowhere. */
  email: string | null
}

/** What of the configuration each job proxy has. */
export function jobSettings({ jobs, register }: Config): JobRenewalSettings {
  return {
    lifetimeSeconds: jobs.lifetimeSeconds,
    condorLimitSeconds: jobs.condorLimitSeconds,
    proxySafeSeconds: Math.min(register.proxySafeSeconds, jobs.condorLimitSeconds),
    myproxySafeSeconds: register.myproxySafeSeconds,
    email: jobs.mail,
  }
}

export function registrationOf(proxy: JobProxy, settings: JobRenewalSettings): Registration {
  const { fileName, identity, identityDer, server, voms, limited, registeredAt } = proxy
  return {
    fileName,
    identity,
    identityDer,
    servers: [server],
    lifetimeSeconds: settings.lifetimeSeconds,
    // A job wants a proxy that lives, not a new one every hour.
    refreshSeconds: null,
    renewBeforeSeconds: settings.condorLimitSeconds,
    proxySafeSeconds: settings.proxySafeSeconds,
    myproxySafeSeconds: settings.myproxySafeSeconds,
    email: settings.email,
    voms,
    allowLimited: limited,
    allowPartial: false,
    registeredAt,
    updatedAt: registeredAt,
  }
}
