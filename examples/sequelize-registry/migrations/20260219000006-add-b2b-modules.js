'use strict'

const modules = [
  { code: 'clients', name: 'Clients', path: '/b2b/clients', position: 110 },
  { code: 'quotes', name: 'Quotes', path: '/b2b/quotes', position: 120 },
  { code: 'orders', name: 'Orders', path: '/b2b/orders', position: 130 },
  { code: 'shipments', name: 'Shipments', path: '/b2b/shipments', position: 140 },
  { code: 'invoices', name: 'Invoices', path: '/b2b/invoices', position: 150 },
]

module.exports = {
  up: async (queryInterface) => queryInterface.bulkInsert('modules', modules, { ignoreDuplicates: true }),

  down: async (queryInterface) => queryInterface.bulkDelete('modules', { code: modules.map(({ code }) => code) }),
}
