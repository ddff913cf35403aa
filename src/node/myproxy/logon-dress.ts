/** VOMS attributes for a proxy that has just come: one more proxy below it carries them. */
import type { Config } from '../../config/config.js'
import type { Journal } from '../../ports/journal.js'
import type { KeyKind } from '../../ports/key-generator.js'
import type { Credential } from '../../proxy/credential.js'
import { makeProxy } from '../../proxy/make-proxy.js'
import type { AttributeReport } from '../../voms/attribute-report.js'
import type { AttributeRequest } from '../../voms/attribute-request.js'
import {
  type AttributeOptions,
  fetchAttributes,
  type ProxyAttributes,
} from '../compose/compose-proxy-attributes.js'
import { systemClock } from '../ports/clock.js'
import { KeyPool } from '../ports/key-pool.js'
import { systemRandom } from '../ports/random.js'
import type { LogonWarning } from './logon-judge.js'

export interface DressLogonCall {
  /** Judged already: what a server sent is not shown to a VOMS server as ours unless it is. */
  plain: Credential
  /** What it has left, in seconds. */
  secondsLeft: number
  requests: readonly AttributeRequest[]
  config: Config
  keyKind: KeyKind
  environment: Readonly<Record<string, string | undefined>>
  options: AttributeOptions
  signal?: AbortSignal | undefined
}

export interface DressedLogon {
  credential: Credential
  attributes: readonly AttributeReport[]
  warnings: readonly LogonWarning[]
}

/** @throws VoboxError what `fetchAttributes` and `makeProxy` say. */
export async function dressLogon(call: DressLogonCall): Promise<DressedLogon> {
  const { plain, secondsLeft: lifetimeSeconds, requests, config, environment, keyKind } = call
  const { options, signal } = call
  if (requests.length === 0) return { credential: plain, attributes: [], warnings: [] }
  const failed: LogonWarning[] = []
  let granted: ProxyAttributes | undefined
  const extensions = async () => {
    granted = await fetchAttributes({
      ...{ config, environment, signer: plain, requests, options, signal },
      lifetimeSeconds,
      journal: noting(failed),
    })
    return [granted.extension]
  }
  const keys = new KeyPool({ kind: keyKind, size: 0 })
  const { privateKey, chain } = await makeProxy(
    { signer: plain, lifetimeSeconds, keyKind, extensions },
    { keys, clock: systemClock, random: systemRandom, signal },
  )
  return {
    credential: { privateKey, chain },
    attributes: granted?.reports ?? [],
    warnings: [...failed, ...(granted?.warnings ?? [])],
  }
}

/** What a server refused before another one granted it. */
function noting(warnings: LogonWarning[]): Journal {
  return {
    write(_level, event, message, data = {}) {
      if (event === 'voms-server-failed') warnings.push({ code: event, message, data })
    },
  }
}
