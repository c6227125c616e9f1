/** How this backend keeps the passwords of its tenants' databases: AES-256-CBC, `iv:ciphertext` in hex. */
const { createCipheriv, createDecipheriv, randomBytes } = require('node:crypto')

function readKey() {
  const key = Buffer.from(process.env.DB_ENCRYPTION_KEY ?? '')
  if (key.length !== 32) throw new Error('DB_ENCRYPTION_KEY must be exactly 32 characters')
  return key
}

function encryptPassword(password) {
  const iv = randomBytes(16)
  const cipher = createCipheriv('aes-256-cbc', readKey(), iv)
  return `${iv.toString('hex')}:${Buffer.concat([cipher.update(password, 'utf8'), cipher.final()]).toString('hex')}`
}

function decryptPassword(stored) {
  const [iv, ciphertext] = stored.split(':')
  if (!iv || !ciphertext) throw new Error('Invalid encrypted password format')
  const decipher = createDecipheriv('aes-256-cbc', readKey(), Buffer.from(iv, 'hex'))
  return Buffer.concat([decipher.update(Buffer.from(ciphertext, 'hex')), decipher.final()]).toString('utf8')
}

module.exports = { encryptPassword, decryptPassword }
