/** Encrypts a password as the backend does, for a row written by hand: node scripts/encrypt-password.js < password.txt */
const { readFileSync } = require('node:fs')
const { encryptPassword } = require('../src/crypto.js')

console.log(encryptPassword(readFileSync(0, 'utf8').replace(/\r?\n$/, '')))
