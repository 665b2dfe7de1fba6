"""The router (路由): verify, authorise, deliver, receipt."""
