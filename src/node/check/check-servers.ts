/** MyProxy and VOMS servers, each once, whoever is registered with it. */
import { toVoboxError } from '../../errors.js'
import type { GsiContext } from '../../gsi/context.js'
import { parseServerList, showServer } from '../../myproxy/server-list.js'
import type { Credential } from '../../proxy/credential.js'
import type { Registration } from '../../registry/registration.js'
import { bad, type Finding, failed, skipped } from '../../renewal/checking/finding.js'
import { isUsable, judgeServer, type ServerLook } from '../../renewal/checking/judge-addresses.js'
import type { Probe, Seen } from '../../renewal/checking/run-probes.js'
import { serversOf } from '../../renewal/renewal-request.js'
import { vomsTrustNow } from '../../renewal/trust-now.js'
import type { VomsServer } from '../../voms/vomses.js'
import type { Walk } from './check-vo.js'
import { type AddressesCall, lookAtAddresses } from './look-at-addresses.js'

const NOBODY = 'not looked at: there is neither a machine proxy nor a user proxy to present'

/** A probe for each server that somebody is registered with; of those configured where nobody is. */
export function serverProbes(walk: Walk): Probe[] {
  const { vo, registrations } = walk
  const lists = registrations.map((one) => serversOf(vo, one).map(showServer))
  if (lists.length === 0 && vo.config.myproxy.servers.length > 0) {
    lists.push(serversOf(vo, { servers: vo.config.myproxy.servers }).map(showServer))
  }
  const looks = new Map<string, ServerLook>()
  /** Somebody is left without any server. */
  const essential = (server: string) =>
    lists.some((list) => {
      const others = list.filter((one) => one !== server)
      return list.includes(server) && !others.some((one) => usable(looks.get(one)))
    })
  return [...new Set(lists.flat())].map((server) => ({
    check: 'server',
    about: { server },
    look: async (signal) => {
      const presented = await credentialOf(walk)
      if (presented === undefined) return () => [skipped('server', NOBODY, { server })]
      const look = await lookAt(walk, vo.myproxy, {
        server: parseServerList(server, vo.config.myproxy.port)[0] as AddressesCall['server'],
        credential: presented,
        serverDn: vo.config.myproxy.serverDn ?? undefined,
        dnSetting: 'MYPROXY_SERVER_DN (server_dn in the configuration)',
        services: ['host', 'myproxy'],
        signal,
      })
      looks.set(server, look)
      return () => [judgeServer('server', look, essential(server))]
    },
  }))
}

const usable = (look: ServerLook | undefined) => look !== undefined && isUsable(look)

async function lookAt(walk: Walk, context: GsiContext, call: AddressesCall): Promise<ServerLook> {
  const { look, chains } = await lookAtAddresses(context, call)
  for (const chain of chains) walk.chains.push({ chain, about: { server: look.server } })
  return look
}

/** What can be presented: the machine proxy, else any proxy that is alive. */
async function credentialOf({ vo, machine, registrations }: Walk): Promise<Credential | undefined> {
  if (machine !== undefined) return machine
  for (const { fileName } of registrations.slice(0, 10)) {
    const credential = await vo.repository.read(fileName).catch(() => undefined)
    if (credential?.chain.every(({ notAfter }) => notAfter > vo.clock.now())) return credential
  }
  return undefined
}

/** A probe for each VO whose attributes somebody is registered with. */
export function vomsProbes(walk: Walk): Probe[] {
  const vos = new Set(walk.registrations.flatMap(({ voms }) => voms.map(voOf)))
  return [...vos].map((alias) => ({
    check: 'voms',
    look: (signal) => lookAtVoms(walk, alias, signal),
  }))
}

const voOf = (voms: Registration['voms'][number]) => voms.split(':', 1)[0] ?? ''

async function lookAtVoms(walk: Walk, alias: string, signal: AbortSignal): Promise<Seen> {
  const { vo } = walk
  const servers = await vo.voms.vomses.serversOf(alias)
  const credential = await credentialOf(walk)
  const doubts = await vomsdirFindings(walk, servers, signal)
  if (credential === undefined) return () => [...doubts, skipped('voms', NOBODY)]
  const looks = await Promise.all(
    servers.map(({ host, port, dn }) =>
      lookAt(walk, vo.voms, {
        server: { host, port },
        credential,
        serverDn: dn,
        dnSetting: `the DN of ${host} in the vomses file`,
        signal,
      }),
    ),
  )
  const alive = looks.filter(isUsable)
  return () => [
    ...doubts,
    ...looks.map((look) =>
      judgeServer(
        'voms',
        look,
        alive.every((one) => one === look),
      ),
    ),
  ]
}

/** Whether what a server of the VO signs would be believed. */
async function vomsdirFindings(
  { vo }: Walk,
  servers: readonly VomsServer[],
  signal: AbortSignal,
): Promise<Finding[]> {
  try {
    const trust = await vomsTrustNow(vo, signal)
    const names = new Set(servers.map((server) => server.vo))
    const problems = trust.problems.filter((one) => one.vo === undefined || names.has(one.vo))
    if (problems.length > 0) {
      return problems.map(({ message }) => bad('voms', message, VOMSDIR))
    }
    return servers.flatMap((server) => {
      const known =
        trust.lscFor(server.vo, server.host).length > 0 ||
        trust.certificatesFor(server.vo).length > 0
      if (known) return []
      const what = `nothing in ${trust.directory} vouches for ${server.host} as a server of ${server.vo}`
      return [bad('voms', what, VOMSDIR, { server: showServer(server) })]
    })
  } catch (error) {
    signal.throwIfAborted()
    return [failed('voms', toVoboxError(error))]
  }
}

const VOMSDIR =
  'Install what the VO publishes for vomsdir, or set voms.directory (X509_VOMS_DIR) to where it is'
