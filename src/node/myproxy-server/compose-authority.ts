/**
 * The certificate authority that the configuration asks for, judged at the start: a wrong pass phrase,
 * a key of another certificate, a mistake in the extensions are said with their directive and line,
 * where the C server says them to the first client.
 */
import { CertificateArchive } from '../../myproxy/server/authority/archive.js'
import type { CertificateAuthority } from '../../myproxy/server/authority/certificate-authority.js'
import type { Checkers } from '../../myproxy/server/authority/checkers.js'
import {
  type ExtensionSource,
  extensionsOfFile,
  extensionsOfProgram,
  usualExtensions,
} from '../../myproxy/server/authority/extension-source.js'
import {
  type Issuer,
  parseIssuerCertificate,
  parseIssuerKey,
  parseSubCaFile,
} from '../../myproxy/server/authority/issuer.js'
import { IssuingAuthority, type Signer } from '../../myproxy/server/authority/issuing-authority.js'
import { KeySigner } from '../../myproxy/server/authority/key-signer.js'
import { ProgramSigner } from '../../myproxy/server/authority/program-signer.js'
import {
  createSerialFile,
  FileSerials,
  RandomSerials,
  type SerialNumbers,
} from '../../myproxy/server/authority/serial-numbers.js'
import {
  MapFileSubjects,
  ProgramSubjects,
  type SubjectSource,
} from '../../myproxy/server/authority/subject-source.js'
import type { ServerConfig } from '../../myproxy/server/config/server-config.js'
import { asUnixSeconds } from '../../ports/clock.js'
import type { SettingsDeps } from './compose-settings.js'
import { OPEN_TO_OTHERS, SettingsReader, WRITABLE_BY_OTHERS } from './settings-reader.js'

/**
 * @returns undefined where the configuration asks for none.
 * @throws VoboxError `CONFIG_INVALID` with the directive and its line.
 */
export async function authorityOf(
  config: ServerConfig,
  deps: SettingsDeps,
): Promise<CertificateAuthority | undefined> {
  const reader = new SettingsReader(config, deps)
  const signer = await signerOf(reader)
  if (signer === undefined) return undefined
  return new IssuingAuthority({
    signer,
    subjects: await subjectsOf(reader),
    checkers: await checkersOf(reader),
    minKeyBits: config.authority.minKeyBits,
    clock: deps.clock,
    journal: deps.journal,
  })
}

async function signerOf(reader: SettingsReader): Promise<Signer | undefined> {
  const { certificatePath, keyPath, program } = reader.authority
  if (program !== undefined) return programSignerOf(reader, program)
  if (certificatePath === undefined || keyPath === undefined) return undefined
  return keySignerOf(reader, certificatePath, keyPath)
}

async function keySignerOf(reader: SettingsReader, certificatePath: string, keyPath: string) {
  const { deps, authority } = reader
  const { clock, files } = deps
  const issuer = await issuerOf(reader, certificatePath, keyPath)
  const archive =
    authority.archiveDirectory === undefined
      ? undefined
      : new CertificateArchive(files, authority.archiveDirectory)
  await reader.attempt('certificate_out_dir', async () => archive?.check())
  return new KeySigner({
    issuer,
    serials: await serialsOf(reader, archive),
    extensions: await extensionsOf(reader, issuer),
    hash: authority.hash,
    maxLifetimeSeconds: authority.maxLifetimeSeconds,
    ...(authority.emailDomain !== undefined && { emailDomain: authority.emailDomain }),
    ...(archive && { archive }),
    clock,
  })
}

async function programSignerOf(reader: SettingsReader, program: string) {
  const { authority, deps, config } = reader
  return new ProgramSigner({
    asked: await reader.program('certificate_issuer_program', program),
    sent: await subCaOf(reader, undefined),
    maxLifetimeSeconds: config.lines.has('max_cert_lifetime') ? authority.maxLifetimeSeconds : 0,
    clock: deps.clock,
  })
}

async function issuerOf(reader: SettingsReader, path: string, keyPath: string): Promise<Issuer> {
  const { authority, deps } = reader
  const certificate = await reader.attempt('certificate_issuer_cert', async () =>
    parseIssuerCertificate(await reader.read(path, WRITABLE_BY_OTHERS), deps.clock.now()),
  )
  const privateKey = await reader.attempt('certificate_issuer_key', async () => {
    const text = await reader.read(keyPath, OPEN_TO_OTHERS)
    try {
      return parseIssuerKey(text, authority.keyPassPhrase, certificate)
    } finally {
      text.fill(0)
    }
  })
  const sent = await subCaOf(reader, certificate)
  const ends = [certificate, ...sent].map(({ notAfter }) => notAfter)
  return { certificate, privateKey, sent, effectiveEnd: asUnixSeconds(Math.min(...ends)) }
}

async function subCaOf(reader: SettingsReader, issuer: Issuer['certificate'] | undefined) {
  const { subCaPath } = reader.authority
  if (subCaPath === undefined) return []
  return reader.attempt('certificate_issuer_subca_certfile', async () =>
    parseSubCaFile(await reader.read(subCaPath, WRITABLE_BY_OTHERS), issuer),
  )
}

/**
 * Where no file is named and none is in the repository, from a C server of before, each number is
 * drawn: there is nothing to lose then.
 */
async function serialsOf(
  { authority, config, deps, attempt }: SettingsReader,
  archive: CertificateArchive | undefined,
): Promise<SerialNumbers> {
  const { files, random, uid, journal, storageDirectory } = deps
  const { serialSkip: skip } = authority
  const isNamed = config.lines.has('certificate_serialfile')
  const path = isNamed ? authority.serialPath : `${storageDirectory}/serial`
  const directive = isNamed ? 'certificate_serialfile' : 'certificate_serial_skip'
  return attempt(directive, async () => {
    const isThere = (await files.facts(path)) !== undefined
    if (!isNamed && !isThere && skip === 1) return new RandomSerials(random)
    if (await createSerialFile({ files, path, skip }, random)) {
      journal.write('warn', 'myproxy-serial-file', 'Serial file made, with a number of its own', {
        path,
      })
    }
    const serials = new FileSerials({
      files,
      path,
      skip,
      owners: [0, uid],
      ...(archive && { wasIssued: (serial: Uint8Array) => archive.has(serial) }),
    })
    await serials.check()
    return serials
  })
}

async function subjectsOf(reader: SettingsReader): Promise<SubjectSource> {
  const { authority, config, deps } = reader
  const { mapProgram, mapPath } = authority
  if (mapProgram !== undefined) {
    return new ProgramSubjects(await reader.program('certificate_mapapp', mapProgram))
  }
  const subjects = new MapFileSubjects({ files: deps.files, path: mapPath, owners: [0, deps.uid] })
  if (config.lines.has('certificate_mapfile')) {
    await reader.attempt('certificate_mapfile', () => subjects.check())
  }
  return subjects
}

async function extensionsOf(reader: SettingsReader, issuer: Issuer): Promise<ExtensionSource> {
  const { extensionPath: path, extensionProgram } = reader.authority
  if (extensionProgram !== undefined) {
    return extensionsOfProgram(await reader.program('certificate_extapp', extensionProgram))
  }
  if (path === undefined) return usualExtensions
  const { certificate } = issuer
  return reader.attempt('certificate_extfile', async () => {
    const text = (await reader.read(path, WRITABLE_BY_OTHERS)).toString('utf8')
    return extensionsOfFile(text, path, { publicKey: certificate.publicKey, issuer: certificate })
  })
}

async function checkersOf(reader: SettingsReader): Promise<Checkers> {
  const { requestChecker, issuedChecker } = reader.authority
  return {
    ...(requestChecker !== undefined && {
      request: await reader.program('certificate_request_checker', requestChecker),
    }),
    ...(issuedChecker !== undefined && {
      issued: await reader.program('certificate_issuer_checker', issuedChecker),
    }),
  }
}
