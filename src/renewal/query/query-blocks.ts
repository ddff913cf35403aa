/** What `query` and its kin print of a registration, read from its files at this moment. */
import pLimit from 'p-limit'
import { toVoboxError, type VoboxError } from '../../errors.js'
import type { UnixSeconds } from '../../ports/clock.js'
import type { ChainFacts } from '../../proxy/chain-facts.js'
import type { BehindServer, Registration, RegistrationState } from '../../registry/registration.js'
import {
  type StoredCredentialKnowledge,
  storedCredentialOf,
  storedSecondsLeft,
} from '../../registry/stored-credential.js'
import { namingFile } from '../../repository/naming-file.js'
import type { ProxyRepository } from '../../repository/proxy-repository.js'
import type { AttributeReport } from '../../voms/attribute-report.js'
import { effectiveEndOf } from '../effective-end.js'
import type { AttributeJudge } from './look-at-attributes.js'
import { glanceAtFacts, readingOf } from './query-glance.js'

/** Where the answers come from. */
export interface QuerySources {
  repository: Pick<ProxyRepository, 'path' | 'readBytes' | 'newestFirst'>
  /** What happened to a registration. */
  state(fileName: string): Promise<RegistrationState>
  /** Who judges attributes; asked for when the first proxy turns out to carry any. */
  judge(): Promise<AttributeJudge>
  now: UnixSeconds
  /** How many jobs share a proxy; undefined for one that is no job proxy. Absent: there are none. */
  jobsOf?(fileName: string): number | undefined
}

export interface QueryBlock {
  /** Identity DN in one-line form. */
  identity: string
  /** Full path of the proxy file; holds no space. */
  file: string
  /** How many jobs share it; absent: it is no job proxy. */
  jobs?: number | undefined
  /** Seconds left of the proxy in the file; 0 when it has expired or cannot be read. */
  proxySeconds: number
  /** Seconds left of the stored credential, 0 of one that is lost; undefined: not known. */
  myproxySeconds: number | undefined
  /** What that comes from; absent where it was not asked for. */
  stored?: StoredCredentialKnowledge
  /** Whether INFO was asked for since the end was learned, and not answered; default false. */
  infoUnanswered?: boolean
  /** A server that is behind an earlier one, where renewals come from it. */
  behind?: BehindServer
  /** Where the pass phrase is that it is renewed by. */
  passPhraseFile?: string
  /** What the proxy carries; absent: nothing was asked for, or the file cannot be read. */
  attributes?: readonly AttributeReport[]
  /** Whether it was registered with attributes; default false. */
  wantsAttributes?: boolean
  /** Why the proxy file cannot be read. */
  problem?: VoboxError
}

/** Which files must be read for an answer: a bare value needs fewer than a block. */
export interface QueryNeeds {
  proxy: boolean
  attributes: boolean
  myproxy: boolean
}

/** What is enough of a registration. */
export type Queried = Pick<Registration, 'fileName' | 'identity' | 'voms' | 'passPhraseFile'>

/** Files are read side by side, this many at once. */
const READS_AT_ONCE = 32

/** Blocks in the order of the registrations. */
export async function readBlocks(
  sources: QuerySources,
  registrations: readonly Queried[],
  needs: QueryNeeds,
): Promise<QueryBlock[]> {
  const limit = pLimit(READS_AT_ONCE)
  const parse = readingOf(registrations.length)
  const read = (one: Queried) => readBlock({ ...sources, parse }, one, needs)
  return Promise.all(registrations.map((one) => limit(() => read(one))))
}

async function readBlock(
  sources: QuerySources & { parse: ReturnType<typeof readingOf> },
  { fileName, identity, voms, passPhraseFile }: Queried,
  needs: QueryNeeds,
): Promise<QueryBlock> {
  const file = sources.repository.path(fileName)
  const state = needs.myproxy ? await sources.state(fileName) : undefined
  const stored = state && storedCredentialOf(state)
  const myproxySeconds = stored && storedSecondsLeft(stored, sources.now)
  const wantsAttributes = voms.length > 0
  const block = {
    identity,
    file,
    jobs: sources.jobsOf?.(fileName),
    proxySeconds: 0,
    myproxySeconds,
    wantsAttributes,
    ...(stored && { stored, infoUnanswered: state?.infoFailure !== undefined }),
    ...(state?.behind && { behind: state.behind }),
    ...(passPhraseFile !== undefined && { passPhraseFile }),
  }
  if (!needs.proxy) return block
  try {
    const { bytes } = await sources.repository.readBytes(fileName)
    const facts = namingFile(file, () => glanceAtFacts(bytes, sources.parse))
    const proxySeconds = secondsLeft(effectiveEndOf(facts), sources.now)
    if (!needs.attributes) return { ...block, proxySeconds }
    return { ...block, proxySeconds, attributes: await readAttributes(sources, facts) }
  } catch (error) {
    return { ...block, problem: toVoboxError(error) }
  }
}

/** Nothing that verifies is loaded for a proxy without attributes. */
async function readAttributes(
  sources: QuerySources,
  facts: ChainFacts,
): Promise<readonly AttributeReport[]> {
  if (facts.acBytes === undefined) return []
  const { lookAtAttributes } = await import('./look-at-attributes.js')
  return lookAtAttributes(facts, await sources.judge(), sources.now)
}

/** Never negative. */
export function secondsLeft(end: UnixSeconds, now: UnixSeconds): number {
  return Math.max(0, end - now)
}
