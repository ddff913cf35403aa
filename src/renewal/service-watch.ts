/**
 * What concerns the whole service and not one registration: the machine proxy, damage of the
 * registry, CRLs that run out. Looked at every ten minutes and when something changed.
 */
import { toVoboxError } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import type { ObservationSink } from '../registry/observation.js'
import type { TrustProblem } from '../x509/trust-anchors.js'
import type { RenewalContext } from './context.js'
import type { MachineProxyFile } from './machine-proxy-file.js'
import { anchorsNow, vomsTrustNow } from './trust-now.js'

type ServiceWatchContext = Pick<
  RenewalContext,
  'clock' | 'journal' | 'registry' | 'anchors' | 'vomsTrust' | 'events'
> & { sink: ObservationSink; machineProxyFile: MachineProxyFile }

const PAUSE_SECONDS = 600
const REGISTRY_DAMAGED = 'registry-damaged'
/** How long a damaged registry is worth an alert, in seconds. */
const DAMAGE_SECONDS = 86_400
/** Problems of trust are told by kind, so that an alert of an earlier process is known to have ended. */
type TrustCondition = TrustProblem['kind'] | 'trust-unreadable' | 'vomsdir-unusable'

const FETCH_CRL = 'Run fetch-crl on this machine, and look at what it says'
const INSTALL_CAS = 'Install the CA certificates of the grid anew (their packages, not fetch-crl)'

/** What to do about each; `check` says the same. */
export const TRUST_CURES: Readonly<Record<TrustCondition, string>> = {
  'crl-expired': FETCH_CRL,
  'crl-expiring': FETCH_CRL,
  'crl-unreadable': FETCH_CRL,
  'certificate-unreadable': INSTALL_CAS,
  'signing-policy-unreadable': INSTALL_CAS,
  'trust-unreadable':
    'Install the CA certificates of the grid there, or set trust.directory (X509_CERT_DIR) to where they are',
  'vomsdir-unusable':
    'Install what the VO publishes for vomsdir, or set voms.directory (X509_VOMS_DIR) to where it is',
}
const TRUST_CONDITIONS = Object.keys(TRUST_CURES) as TrustCondition[]

/** How many problems of one kind are named. */
const SHOWN = 5

export class ServiceWatch {
  readonly #context: ServiceWatchContext
  readonly #trustTexts = new Map<TrustCondition, string | undefined>()
  #damagedAt: UnixSeconds | undefined
  #lookedAt: UnixSeconds | undefined
  #looking: Promise<void> = Promise.resolve()

  constructor(context: ServiceWatchContext) {
    this.#context = context
  }

  lookIfDue(): void {
    const now = this.#context.clock.now()
    const due = this.#lookedAt === undefined || Math.abs(now - this.#lookedAt) >= PAUSE_SECONDS
    if (due) this.lookNow()
  }

  lookNow(): void {
    this.#lookedAt = this.#context.clock.now()
    this.#looking = this.#looking
      .then(() => this.#look())
      .catch((error) => {
        const { code, message } = toVoboxError(error)
        this.#context.journal.write('error', 'service-look-failed', message, { code })
      })
  }

  /** Resolves when no look is under way. */
  async settled(): Promise<void> {
    await this.#looking
  }

  /** After the registry was read: was anything wrong with it? */
  async registryRead(): Promise<void> {
    const warnings = this.#context.registry.takeWarnings()
    for (const reason of warnings) await this.#warn('registry-warning', reason)
    const text = summary(warnings)
    if (text === undefined) return
    this.#damagedAt = this.#context.clock.now()
    const cure = 'Compare registry.json with what was set aside, and register what is missing'
    await this.#report(REGISTRY_DAMAGED, text, cure)
  }

  async #look(): Promise<void> {
    const { sink, machineProxyFile, clock } = this.#context
    await sink.observe(await machineProxyFile.observe())
    // The damage is repaired at once, with the previous copy; what may be missing stays worth a look.
    const damaged = clock.now() - (this.#damagedAt ?? Number.NEGATIVE_INFINITY) < DAMAGE_SECONDS
    if (!damaged) await this.#report(REGISTRY_DAMAGED)
    const problems = await this.#trustProblems()
    for (const kind of TRUST_CONDITIONS) {
      const messages = problems.get(kind) ?? []
      const text = summary(messages)
      if (text !== this.#trustTexts.get(kind)) {
        this.#trustTexts.set(kind, text)
        for (const message of messages) await this.#warn('trust-problem', message)
      }
      if (text === undefined) await this.#report(kind)
      else await this.#report(kind, text, TRUST_CURES[kind])
    }
  }

  async #trustProblems(): Promise<Map<TrustCondition, string[]>> {
    const problems = new Map<TrustCondition, string[]>()
    try {
      for (const { kind, message } of (await anchorsNow(this.#context)).problems) {
        problems.set(kind, [...(problems.get(kind) ?? []), message])
      }
    } catch (error) {
      problems.set('trust-unreadable', [toVoboxError(error).message])
    }
    problems.set('vomsdir-unusable', await this.#vomsProblems())
    return problems
  }

  /** Of VOs that somebody here is registered with: others may do without a vomsdir. */
  async #vomsProblems(): Promise<string[]> {
    const vos = new Set<string>()
    for (const { voms } of (await this.#context.registry.all()).values()) {
      for (const one of voms) vos.add(one.split(':', 1)[0] ?? '')
    }
    if (vos.size === 0) return []
    try {
      const { problems } = await vomsTrustNow(this.#context)
      const ours = problems.filter(({ vo }) => vo === undefined || vos.has(vo))
      return ours.map(({ message }) => message)
    } catch (error) {
      return [toVoboxError(error).message]
    }
  }

  async #warn(event: string, reason: string): Promise<void> {
    this.#context.journal.write('warn', event, reason)
    await this.#context.events.write('warning', { reason })
  }

  #report(condition: string, problem?: string, cure?: string): Promise<void> {
    const about = { about: 'service', at: this.#context.clock.now(), condition } as const
    return this.#context.sink.observe(
      problem === undefined ? about : { ...about, problem, ...(cure !== undefined && { cure }) },
    )
  }
}

/** All in one: fetch-crl that does not run strikes a hundred CAs at once, and nobody wants that many mails. */
export function summary(messages: readonly string[]): string | undefined {
  if (messages.length === 0) return undefined
  const shown = messages.slice(0, SHOWN).join('; ')
  const more = messages.length - SHOWN
  return more > 0 ? `${shown}; and ${more} more` : shown
}
