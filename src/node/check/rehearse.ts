/**
 * A renewal as the service does it, from one server, attributes included, up to the file: into a
 * scratch file of a private directory beside the repository, which is removed again.
 */
import { toVoboxError, VoboxError } from '../../errors.js'
import { type MyProxyServer, showServer } from '../../myproxy/server-list.js'
import { showDuration } from '../../ports/time-text.js'
import { describeChain } from '../../proxy/chain-facts.js'
import type { Credential } from '../../proxy/credential.js'
import { servedBy } from '../../registry/cure-commands.js'
import type { Registration } from '../../registry/registration.js'
import { type AcceptanceRules, acceptProxy } from '../../renewal/accept-proxy.js'
import { type About, type Finding, failed, good } from '../../renewal/checking/finding.js'
import { dressFresh } from '../../renewal/dress-fresh.js'
import { explainRefusal } from '../../renewal/registering/check-stored-credential-refusals.js'
import { renewalRequest } from '../../renewal/renewal-request.js'
import { anchorsNow } from '../../renewal/trust-now.js'
import { ProxyRepository } from '../../repository/proxy-repository.js'
import type { VoContext } from '../compose/compose.js'
import { inRehearsalDirectory } from './rehearsal-directory.js'

export interface RehearsalCall {
  registration: Registration
  current: Credential
  /** Absent: none is needed. */
  machine?: Credential | undefined
  server: MyProxyServer
  signal: AbortSignal
}

/** Never rejects but when it is aborted. */
export async function rehearse(vo: VoContext, call: RehearsalCall): Promise<Finding> {
  const { registration, server, signal } = call
  const { identity, fileName } = registration
  const about: About = { identity, fileName, server: showServer(server) }
  try {
    const seconds = await renewIntoScratch(vo, call)
    const dressed = registration.voms.length > 0 ? ` with ${registration.voms.join(', ')}` : ''
    const sentence = `${about.server} renews it for ${showDuration(seconds)}${dressed}`
    return good('rehearsal', sentence, about)
  } catch (error) {
    signal.throwIfAborted()
    const { machine } = call
    const facts = {
      registration: servedBy(registration, about.server),
      ...(machine && { machineDn: describeChain(machine.chain).identity.oneLine }),
      stored: {},
    }
    return failed('rehearsal', explainRefusal(toVoboxError(error), facts), about)
  }
}

/** @returns how long the renewed proxy lives, in seconds. */
async function renewIntoScratch(vo: VoContext, call: RehearsalCall): Promise<number> {
  const { registration, current, machine, server, signal } = call
  const { fileName } = registration
  const { credential } = await vo.source.renew({
    ...renewalRequest(vo, registration, { machine, current, signal }),
    servers: [server],
  })
  const rules: AcceptanceRules = {
    current: describeChain(current.chain),
    registration,
    anchors: await anchorsNow(vo, signal),
    now: vo.clock.now(),
    config: vo.config,
    evenIfNotLonger: true,
  }
  const plain = { credential, acceptance: acceptProxy(credential, rules) }
  const fresh = await dressFresh(vo, registration, plain, rules, signal)
  await writeAndForget(vo, fileName, fresh.credential)
  return fresh.acceptance.grantedSeconds
}

/** Under the very name and in the very way in which the service writes; then read back. */
async function writeAndForget(
  { files, paths, directory }: VoContext,
  fileName: string,
  credential: Credential,
): Promise<void> {
  await inRehearsalDirectory(files, paths.directory, async (scratch) => {
    const owners = [directory.uid]
    const repository = new ProxyRepository({ files, directory: scratch, owners })
    await repository.replace(fileName, credential)
    const written = await repository.read(fileName)
    if (written.chain.length === credential.chain.length) return
    throw new VoboxError('INTERNAL', `${scratch} does not hold what was written to it`)
  })
}
