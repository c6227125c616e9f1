module.exports = class OrderCurrency1704067200010 {
  name = 'OrderCurrency1704067200010'

  async up(queryRunner) {
    await queryRunner.query('ALTER TABLE orders ADD COLUMN currency char(3)')
    await queryRunner.query(`UPDATE orders SET currency = (SELECT value FROM settings WHERE key = 'currency')`)
    await queryRunner.query(`ALTER TABLE orders ADD CONSTRAINT orders_currency CHECK (currency ~ '^[A-Z]{3}$')`)
  }

  async down(queryRunner) {
    await queryRunner.dropColumn('orders', 'currency')
  }
}
