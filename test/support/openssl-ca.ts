/** Certification authorities kept by the `openssl` command, so that none of our own code makes them. */
import { appendFile, copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'

/** Runs `openssl`; standard output, trimmed. Throws with what it said when it fails. */
export async function openssl(
  args: readonly string[],
  options: { cwd?: string; input?: string | Uint8Array } = {},
): Promise<string> {
  const { stdout } = await execa('openssl', args, options)
  return stdout.trim()
}

/** The same for checks whose failure is an answer: exit code and everything it printed. */
export async function tryOpenssl(
  args: readonly string[],
  cwd?: string,
): Promise<{ ok: boolean; output: string }> {
  const options = { reject: false, all: true, ...(cwd === undefined ? {} : { cwd }) } as const
  const { exitCode, all } = await execa('openssl', args, options)
  return { ok: exitCode === 0, output: all }
}

const CONFIGURATION = `
[ca]
default_ca = this
[this]
database = index.txt
serial = serial
crlnumber = crlnumber
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
default_days = 30
default_crl_days = 30
policy = anything
unique_subject = no
[anything]
domainComponent = optional
organizationName = optional
organizationalUnitName = optional
commonName = supplied
[user]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature,keyEncipherment
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[authority]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[list]
authorityKeyIdentifier = keyid:always
`

/** Names for `openssl req` with the order and string types that its options give. */
const asRequest = (subject: string) => ['-subj', subject, '-utf8', '-multivalue-rdn']

export class OpensslCa {
  readonly directory: string

  private constructor(directory: string) {
    this.directory = directory
  }

  /** Makes a root, or an intermediate CA below `parent`. */
  static async create(directory: string, subject: string, parent?: OpensslCa): Promise<OpensslCa> {
    await mkdir(directory)
    await writeFile(join(directory, 'ca.cnf'), CONFIGURATION)
    await writeFile(join(directory, 'index.txt'), '')
    await writeFile(join(directory, 'serial'), '1000\n')
    await writeFile(join(directory, 'crlnumber'), '01\n')
    const ca = new OpensslCa(directory)
    const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', 'ca.key']
    if (parent === undefined) {
      const usage = ['-addext', 'keyUsage=critical,keyCertSign,cRLSign']
      await ca.#run(['req', '-x509', ...key, ...asRequest(subject), ...usage, '-out', 'ca.pem'])
      return ca
    }
    await ca.#run(['req', '-new', ...key, ...asRequest(subject), '-out', 'ca.csr'])
    await parent.#sign(join(directory, 'ca.csr'), join(directory, 'ca.pem'), 'authority')
    return ca
  }

  get certificatePath(): string {
    return join(this.directory, 'ca.pem')
  }

  /** More sections of the configuration, for `issue` and `list`. */
  async configure(sections: string): Promise<void> {
    await appendFile(join(this.directory, 'ca.cnf'), sections)
  }

  /** A certificate for a fresh P-256 key, with the extensions of a section. Returns its path. */
  async issue(file: string, subject: string, extensions = 'user'): Promise<string> {
    const request = join(this.directory, `${file}.csr`)
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
    const files = ['-keyout', `${file}.key`, '-out', request]
    await this.#run(['req', '-new', ...key, ...asRequest(subject), ...files])
    return this.issueFor(file, request, extensions)
  }

  /** A certificate for a request that somebody else made. */
  async issueFor(file: string, request: string, extensions = 'user'): Promise<string> {
    const path = join(this.directory, `${file}.pem`)
    await this.#sign(request, path, extensions)
    return path
  }

  async #sign(request: string, path: string, extensions: string): Promise<void> {
    const sign = ['ca', '-config', 'ca.cnf', '-batch', '-notext', '-preserveDN']
    await this.#run([...sign, '-extensions', extensions, '-in', request, '-out', path])
  }

  async revoke(path: string): Promise<void> {
    await this.#run(['ca', '-config', 'ca.cnf', '-revoke', path])
  }

  /**
   * The list of what was revoked so far; `expired` makes one whose time is over, `extensions` names
   * a section and the file.
   */
  async list(options: { expired?: boolean; extensions?: string } = {}): Promise<string> {
    const { extensions = 'list' } = options
    const path = join(this.directory, `${extensions}.pem`)
    const times = ['-crl_lastupdate', '200101000000Z', '-crl_nextupdate', '200201000000Z']
    const make = ['ca', '-config', 'ca.cnf', '-gencrl', '-crlexts', extensions, '-out', path]
    await this.#run([...make, ...(options.expired ? times : [])])
    return path
  }

  /** Puts certificate, lists and a policy that allows all into a hashed directory, named by OpenSSL. */
  async installInto(directory: string, ...lists: readonly string[]): Promise<void> {
    await mkdir(directory, { recursive: true })
    const show = ['x509', '-in', 'ca.pem', '-noout', '-nameopt', 'compat']
    const [subject = '', hash = ''] = (
      await this.#run([...show, '-subject', '-subject_hash'])
    ).split('\n')
    const authority = subject.replace(/^subject=\s*/, '')
    await copyFile(this.certificatePath, join(directory, `${hash}.0`))
    for (const [number, list] of lists.entries()) {
      await writeFile(join(directory, `${hash}.list${number}`), await readFile(list))
      await symlink(`${hash}.list${number}`, join(directory, `${hash}.r${number}`))
    }
    const policy = `access_id_CA X509 '${authority}'\npos_rights globus CA:sign\ncond_subjects globus '"*"'\n`
    await writeFile(join(directory, `${hash}.signing_policy`), policy)
  }

  #run(args: readonly string[]): Promise<string> {
    return openssl(args, { cwd: this.directory })
  }
}
