package server

import (
	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// DB gives the acceptance suite a look at the tables: what was not written cannot be seen through the API.
func (s *Server) DB() *storage.DB { return s.core.db }

// Routes are the addresses that the server answers.
func Routes(s *Server) gin.RoutesInfo { return s.http.Handler.(legible).next.(*gin.Engine).Routes() }
