/** One registration: its proxy, its chain, what every one of its servers gives, and rehearsals. */

import { printable } from '../../errors.js'
import { showDistance } from '../../ports/time-text.js'
import { describeChain } from '../../proxy/chain-facts.js'
import { type Credential, parseCredential } from '../../proxy/credential.js'
import { validateProxyChain } from '../../proxy/validate-proxy-chain.js'
import { registerCommand } from '../../registry/cure-commands.js'
import type { Registration } from '../../registry/registration.js'
import { type About, type Finding, failed, good, skipped } from '../../renewal/checking/finding.js'
import { judgeTrials, type ServerTrial } from '../../renewal/checking/judge-trials.js'
import type { Seen } from '../../renewal/checking/run-probes.js'
import { type ProxyTimes, proxyTimes } from '../../renewal/proxy-facts.js'
import { serversOf } from '../../renewal/renewal-request.js'
import { anchorsNow } from '../../renewal/trust-now.js'
import type { Walk } from './check-vo.js'
import { registrationFindings } from './from-conditions.js'
import { rehearse } from './rehearse.js'
import { tryServers } from './try-servers.js'

/** Everything there is to be seen; only what is fit for it is asked of servers. */
export async function lookAtRegistration(
  walk: Walk,
  registration: Registration,
  signal: AbortSignal,
): Promise<Seen> {
  const { vo, machine } = walk
  const { identity, fileName } = registration
  const about: About = { identity, fileName }
  let current: Credential
  let times: ProxyTimes
  try {
    const { bytes, facts } = await vo.repository.readBytes(fileName)
    current = parseCredential(bytes)
    times = proxyTimes(current.chain, facts)
  } catch (error) {
    const cure = `Its owner logs in with a fresh proxy: ${registerCommand(vo.vo, registration)}`
    return () => [{ ...failed('user-proxy', error, about), cure }]
  }
  walk.chains.push({ chain: current.chain, about })
  const found = await judgeProxy(walk, registration, { current, times }, signal)
  const { passPhraseFile } = registration
  if (times.chainEnd <= vo.clock.now() && passPhraseFile === undefined) {
    const asleep = skipped('renewer', 'an expired proxy cannot authorise its renewal', about)
    return () => [...found, asleep]
  }
  const phrase = await lookAtPassPhrase(walk, registration)
  if (phrase.some(({ verdict }) => verdict === 'bad')) return () => [...found, ...phrase]
  const trials = await tryServers(vo, { registration, current, machine, signal })
  for (const trial of trials) noteTrial(walk, trial, about)
  const rehearsed =
    walk.rehearse && (machine !== undefined || passPhraseFile !== undefined)
      ? await rehearseAll(walk, registration, { current, machine }, signal)
      : []
  return () => [
    ...found,
    ...phrase,
    ...judgeTrials(trials, rulesOf(walk, registration)),
    ...rehearsed,
  ]
}

async function judgeProxy(
  { vo }: Walk,
  registration: Registration,
  { current, times }: { current: Credential; times: ProxyTimes },
  signal: AbortSignal,
): Promise<Finding[]> {
  const { identity, fileName } = registration
  const now = vo.clock.now()
  const state = await vo.registry.state(fileName)
  const observation = {
    about: 'registration',
    at: now,
    registration,
    state,
    file: vo.repository.path(fileName),
    proxyEnd: times.end,
    chainEnd: times.chainEnd,
    lacksAttributes: registration.voms.length > 0 && !times.hasAttributes,
  } as const
  const found = registrationFindings(vo.vo, observation, 'user-proxy')
  if (found.length > 0) return found
  const about: About = { identity, fileName, end: times.end }
  try {
    const { allowLegacyProxies } = vo.config.trust
    const { maxDelegationDepth } = vo.config.limits
    const anchors = await anchorsNow(vo, signal)
    validateProxyChain(current.chain, anchors, { now, allowLegacyProxies, maxDelegationDepth })
    return [good('user-proxy', `its proxy ends ${showDistance(times.end, now)}`, about)]
  } catch (error) {
    signal.throwIfAborted()
    return [failed('user-proxy', error, about)]
  }
}

/** Nothing for a registration that needs none. Without it no server has to be asked. */
async function lookAtPassPhrase(
  { vo }: Walk,
  { passPhraseFile: path, identity, fileName }: Registration,
): Promise<Finding[]> {
  if (path === undefined) return []
  const about: About = { identity, fileName }
  try {
    await vo.passPhrases.check(path)
    return [good('pass-phrase', `${printable(path)} holds a pass phrase, for nobody else`, about)]
  } catch (error) {
    return [failed('pass-phrase', error, about)]
  }
}

/** What a server gave shows its clock, and the chain of what is stored. */
function noteTrial(walk: Walk, { server, given }: ServerTrial, about: About): void {
  if (given === undefined || 'error' in given) return
  const { facts, receivedAt } = given
  const { proxies, endEntity, authorities, notBefore } = facts
  const host = `${server.host}:${server.port}`
  walk.dated.push({ server: host, notBefore, receivedAt })
  const chain = [...proxies.map(({ certificate }) => certificate), endEntity, ...authorities]
  walk.chains.push({ chain, about: { ...about, server: host } })
}

function rehearseAll(
  { vo }: Walk,
  registration: Registration,
  { current, machine }: { current: Credential; machine: Credential | undefined },
  signal: AbortSignal,
): Promise<Finding[]> {
  const servers = serversOf(vo, registration)
  return Promise.all(
    servers.map((server) => rehearse(vo, { registration, current, machine, server, signal })),
  )
}

function rulesOf({ vo, machine }: Walk, registration: Registration) {
  return {
    registration,
    ...(machine !== undefined && { machineDn: describeChain(machine.chain).identity.oneLine }),
    grants: vo.grants,
    maxDelegationDepth: vo.config.limits.maxDelegationDepth,
    now: vo.clock.now(),
  }
}
